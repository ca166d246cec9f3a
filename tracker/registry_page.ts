/** The registry's page: who is there, one row an instance. */

import { shownStatus } from "./instance_registry.ts";
import type { RegisteredInstance } from "./instance_registry.ts";

/** The page's style sheet. */
export const REGISTRY_STYLE = `
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { margin: 32px auto; max-width: 960px; padding: 0 16px; }
h1 { font-size: 20px; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: 8px 16px 8px 0; border-bottom: 1px solid color-mix(in srgb, currentColor 16%, transparent); }
td:last-child, th:last-child { text-align: right; font-variant-numeric: tabular-nums; }
th { font-weight: 600; }
.other { color: #d55e00; font-weight: 600; }
`;

/** The page at a moment. */
export function registryPage(instances: RegisteredInstance[], nowMs: number): string {
  const rows = instances.map((instance) => {
    const status = shownStatus(instance);
    const seconds = Math.max(0, Math.round((nowMs - instance.renewedAtMs) / 1000));
    return `<tr><td>${escaped(instance.app)}</td><td>${escaped(instance.id)}</td><td${
      status === "UP" ? "" : ' class="other"'
    }>${status}</td><td>${seconds} s ago, lasts ${instance.leaseSeconds} s</td></tr>`;
  });
  const table =
    `<table><thead><tr><th>Application</th><th>Instance</th><th>Status</th><th>Lease renewed</th></tr></thead>
<tbody>${rows.join("\n")}</tbody></table>`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="10"><title>Service registry</title><link rel="stylesheet" href="/registry.css"></head>
<body><h1>Service registry</h1>
${rows.length === 0 ? "<p>No instance is registered.</p>" : table}
</body></html>
`;
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
