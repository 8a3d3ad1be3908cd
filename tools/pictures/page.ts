import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Marked } from 'marked';

type Theme = 'light' | 'dark';

/** About as wide as GitHub shows job summaries, in CSS pixels. */
export const PAGE_WIDTH = 1_000;

/** The attribute of the page's root that holds the height of the content once its charts are drawn. */
export const HEIGHT_ATTRIBUTE = 'data-height';

const MERMAID = '@mermaid-js/tiny/dist/mermaid.tiny.js';
const MERMAID_THEMES: Readonly<Record<Theme, string>> = { light: 'default', dark: 'dark' };

/** A job summary as a page that looks like GitHub's, and loads nothing. */
export function renderPage(summary: string, theme: Theme): string {
  return `<!doctype html>
<html>
<meta charset="utf-8">
<style>
${read(`github-markdown-css/github-markdown-${theme}.css`)}
${FRAME}
.markdown-body { border-color: ${FRAME_COLORS[theme]}; }
</style>
<article class="markdown-body">
${renderMarkdown(summary)}
</article>
<script>${read(MERMAID)}</script>
<script type="module">${drawCharts(theme)}</script>
</html>
`;
}

/** The frame around a summary on GitHub; the picture is transparent outside its corners. */
const FRAME = `
html, body { margin: 0; background: transparent; }
.markdown-body {
  box-sizing: border-box;
  width: ${PAGE_WIDTH}px;
  padding: 24px;
  border: 1px solid;
  border-radius: 6px;
}
.markdown-body > :last-child { margin-bottom: 0; }
.mermaid svg { display: block; }
`;

const FRAME_COLORS: Readonly<Record<Theme, string>> = { light: '#d1d9e0', dark: '#3d444d' };

/** Charts go to Mermaid, as on GitHub; everything else is Markdown. */
function renderMarkdown(summary: string): string {
  const markdown = new Marked({
    renderer: {
      // `false` leaves it to marked.
      code: ({ lang, text }) => lang === 'mermaid' && `<div class="mermaid">${text}</div>`,
    },
  });
  return markdown.parse(summary, { async: false });
}

function drawCharts(theme: Theme): string {
  return `
mermaid.initialize({ startOnLoad: false, theme: ${JSON.stringify(MERMAID_THEMES[theme])} });
await document.fonts.ready;
await mermaid.run();
const { bottom } = document.querySelector('article').getBoundingClientRect();
document.documentElement.setAttribute('${HEIGHT_ATTRIBUTE}', Math.ceil(bottom));
`;
}

/** A file of an installed package. */
function read(path: string): string {
  return readFileSync(fileURLToPath(import.meta.resolve(path)), 'utf8');
}
