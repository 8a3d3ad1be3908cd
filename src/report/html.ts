/** Whatever could mean anything to HTML or Markdown becomes a character reference, which means nothing to either. */
export function escapeHtml(text: string): string {
  return text.replace(/[^\p{L}\p{M}\p{N} .,:;/-]|:\/\//gu, (match) =>
    [...match].map((character) => `&#${character.codePointAt(0)};`).join(''),
  );
}
