// @ts-check
/** A small map of one flight: its great circle, where it is on it, and the network's airports around as landmarks. */

/** @typedef {{ latitude: number, longitude: number }} Position */

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 640;
const HEIGHT = 240;
const MARGIN = 36;
const STEPS = 48;
const RADIANS = Math.PI / 180;

/**
 * Draws the map.
 * @param {{ from: Position, to: Position, at: Position | null, fromName: string, toName: string, landmarks: Iterable<Position>, label: string }} options
 */
export function routeMap({ from, to, at, fromName, toName, landmarks, label }) {
  const path = greatCircle(from, to);
  const shown = at === null ? path : [...path, at];
  // Longitudes count from the middle of the way, so that one across the date line stays in one piece.
  const middle = /** @type {Position} */ (path[STEPS / 2]);
  const squeeze = Math.cos(middle.latitude * RADIANS);
  const flat = (/** @type {Position} */ { latitude, longitude }) => ({
    x: (((longitude - middle.longitude + 540) % 360) - 180) * squeeze,
    y: -latitude,
  });
  const points = shown.map(flat);
  const [left, right] = [Math.min(...points.map(({ x }) => x)), Math.max(...points.map(({ x }) => x))];
  const [top, bottom] = [Math.min(...points.map(({ y }) => y)), Math.max(...points.map(({ y }) => y))];
  const scale = Math.min(
    (WIDTH - 2 * MARGIN) / Math.max(right - left, 0.5),
    (HEIGHT - 2 * MARGIN) / Math.max(bottom - top, 0.5),
  );
  const place = (/** @type {Position} */ position) => {
    const { x, y } = flat(position);
    return {
      x: WIDTH / 2 + (x - (left + right) / 2) * scale,
      y: HEIGHT / 2 + (y - (top + bottom) / 2) * scale,
    };
  };

  const svg = made("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    class: "route-map",
    role: "img",
    "aria-label": label,
  });
  for (const landmark of landmarks) {
    const { x, y } = place(landmark);
    if (x > 0 && x < WIDTH && y > 0 && y < HEIGHT) {
      svg.append(made("circle", { class: "landmark", cx: x, cy: y, r: 1.5 }));
    }
  }
  svg.append(
    made("polyline", { class: "route", points: path.map(place).map(({ x, y }) => `${x},${y}`).join(" ") }),
  );
  for (const [position, name] of /** @type {[Position, string][]} */ ([[from, fromName], [to, toName]])) {
    const { x, y } = place(position);
    const text = made("text", { x, y: y + (y > HEIGHT / 2 ? 20 : -12) });
    text.textContent = name;
    svg.append(made("circle", { class: "airport", cx: x, cy: y, r: 4 }), text);
  }
  if (at !== null) {
    const { x, y } = place(at);
    const goal = place(to);
    const heading = Math.atan2(goal.y - y, goal.x - x) / RADIANS;
    svg.append(
      made("path", {
        class: "aircraft",
        d: "M11 0 L-7 7 L-3 0 L-7 -7 Z",
        transform: `translate(${x} ${y}) rotate(${heading})`,
      }),
    );
  }
  return svg;
}

/** Positions along the shortest way (Williams, Aviation Formulary). @param {Position} from @param {Position} to */
function greatCircle(from, to) {
  const [a, b] = [vector(from), vector(to)];
  const angle = Math.acos(Math.min(1, Math.max(-1, a.x * b.x + a.y * b.y + a.z * b.z)));
  const sine = Math.sin(angle);
  return Array.from({ length: STEPS + 1 }, (_, step) => {
    const share = step / STEPS;
    if (sine < 1e-9) return share < 0.5 ? from : to;
    const [fromA, fromB] = [Math.sin((1 - share) * angle) / sine, Math.sin(share * angle) / sine];
    const [x, y, z] = [fromA * a.x + fromB * b.x, fromA * a.y + fromB * b.y, fromA * a.z + fromB * b.z];
    return { latitude: Math.atan2(z, Math.hypot(x, y)) / RADIANS, longitude: Math.atan2(y, x) / RADIANS };
  });
}

/** @param {Position} position */
function vector({ latitude, longitude }) {
  const [phi, lambda] = [latitude * RADIANS, longitude * RADIANS];
  return { x: Math.cos(phi) * Math.cos(lambda), y: Math.cos(phi) * Math.sin(lambda), z: Math.sin(phi) };
}

/** @param {string} name @param {Record<string, string | number>} attributes */
function made(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) {
    element.setAttribute(key, typeof value === "number" ? value.toFixed(1) : value);
  }
  return element;
}
