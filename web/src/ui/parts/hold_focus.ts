// Where something is done by the keyboard, the focus stays. What waits for an answer is `aria-disabled`, not `disabled`, which would
// lose the focus; and what goes away gives it to the next of its list, or to the title.

const takesFocus = 'button:not(:disabled), a[href], input:not(:disabled), select:not(:disabled), textarea:not(:disabled), [tabindex="0"]';

/** For what is done within `box`; ends with what it returns. */
export function holdFocus(box: HTMLElement, title: () => HTMLElement | null): () => void {
  let last: Element | null = null;

  const refuse = (event: MouseEvent) => {
    // Enter in a field presses the button of its form, too.
    if (!(event.target as Element).closest('[aria-disabled="true"]')) return;
    event.preventDefault();
    event.stopPropagation();
  };
  const came = (event: FocusEvent) => (last = event.target as Element);
  const went = ({ target }: FocusEvent) =>
    queueMicrotask(() => {
      // Whoever leaves it by herself does not want it back.
      if (last === target && last?.isConnected) last = null;
    });

  const watched = new MutationObserver((records) => {
    if (!last || last.isConnected || document.activeElement !== document.body) return;
    let place: Node = last;
    let before: Node | null = null;
    for (const { target, removedNodes, previousSibling } of records) {
      if (![...removedNodes].some((node) => node.contains(place))) continue;
      place = target;
      before = previousSibling;
    }
    last = null;
    (beside(place, before) ?? title())?.focus();
  });

  box.addEventListener('click', refuse, true);
  box.addEventListener('focusin', came);
  box.addEventListener('focusout', went);
  watched.observe(box, { childList: true, subtree: true });
  return () => {
    watched.disconnect();
    box.removeEventListener('click', refuse, true);
    box.removeEventListener('focusin', came);
    box.removeEventListener('focusout', went);
  };
}

/** What can take the focus next to where something was, behind `before`. */
function beside(place: Node, before: Node | null): HTMLElement | null {
  if (!(place instanceof Element) || !place.isConnected) return null;
  const all = [...place.querySelectorAll<HTMLElement>(takesFocus)].filter((one) => one.tabIndex >= 0 && one.offsetParent !== null);
  const behind = before?.isConnected ? all.find((one) => isBehind(one, before)) : all[0];
  return behind ?? all.at(-1) ?? null;
}

function isBehind(one: Node, before: Node): boolean {
  const where = before.compareDocumentPosition(one);
  return (where & Node.DOCUMENT_POSITION_FOLLOWING) !== 0 && (where & Node.DOCUMENT_POSITION_CONTAINED_BY) === 0;
}
