//! A picture of a page that gave no balance, with nothing of the person on it.

use std::time::Duration;

use super::cdp::Page;

/// A page is masked within some milliseconds.
const PATIENCE: Duration = Duration::from_secs(2);

/// Empties fields, hides pictures and frames, and replaces what may name a person or an amount: digits, addresses,
/// and every word of a text that is longer than a label. What is left is the layout, which is what one looks for.
const SCRIPT: &str = r"(() => {
  const hide = (text) => text.replace(/\S+@\S+/g, '•••').replace(/\p{Nd}/gu, '•')
    .replace(/\S{25,}/g, '•••');
  const walk = (root) => {
    const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const node = texts.currentNode;
      const masked = node.nodeValue.length > 120 ? '•••' : hide(node.nodeValue);
      if (masked !== node.nodeValue) node.nodeValue = masked;
    }
    for (const element of root.querySelectorAll('*')) {
      if ('value' in element && typeof element.value === 'string') element.value = '';
      if (element.placeholder) element.placeholder = '';
      if (['IMG', 'CANVAS', 'IFRAME', 'VIDEO', 'OBJECT', 'EMBED'].includes(element.tagName))
        element.style.visibility = 'hidden';
      if (element.style && element.style.backgroundImage) element.style.backgroundImage = 'none';
      if (element.shadowRoot) walk(element.shadowRoot);
    }
  };
  walk(document);
  return document.documentElement.innerText;
})()";

/// Masks the page, so that it cannot be used any more, and takes its picture. None where either fails: what is
/// not masked is not kept.
pub async fn picture(page: &Page) -> Option<Vec<u8>> {
    let left: String = page.evaluate(SCRIPT, PATIENCE).await?;
    if left.chars().any(char::is_numeric) {
        return None;
    }
    page.picture().await
}
