// A finger that rests opens the menu of what is under it. Browsers tell that as `contextmenu`; Safari on phones does not, and gets it here.

/** Longer than browsers take that tell it themselves, in milliseconds. */
const restsFor = 650;
/** A finger that rests trembles so far, in pixels. */
const trembles = 10;

/** Listens on the whole page. What is returned ends it. */
export function longPresses(): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let from: Touch | null = null;
  /** The menu is open: that the finger is lifted is no press on what is there now. */
  let isOpen = false;

  const end = (): void => {
    clearTimeout(timer);
    from = null;
  };
  const starts = (event: TouchEvent): void => {
    end();
    isOpen = false;
    const [touch] = event.touches;
    if (!touch || event.touches.length > 1) return;
    from = touch;
    timer = setTimeout(() => {
      const { target, clientX, clientY } = touch;
      const menu = new MouseEvent('contextmenu', { bubbles: true, cancelable: true, composed: true, clientX, clientY });
      isOpen = !target.dispatchEvent(menu);
    }, restsFor);
  };
  const moves = (event: TouchEvent): void => {
    const [touch] = event.touches;
    if (!from || !touch || Math.hypot(touch.clientX - from.clientX, touch.clientY - from.clientY) > trembles) end();
  };
  const ends = (event: TouchEvent): void => {
    end();
    if (isOpen && event.cancelable) event.preventDefault();
    isOpen = false;
  };
  // The browser's own comes first where there is one.
  const told = (event: Event): void => {
    if (event.isTrusted) end();
  };

  const passive = { capture: true, passive: true };
  addEventListener('touchstart', starts, passive);
  addEventListener('touchmove', moves, passive);
  addEventListener('touchend', ends, { capture: true, passive: false });
  addEventListener('touchcancel', end, passive);
  addEventListener('contextmenu', told, true);
  return () => {
    end();
    removeEventListener('touchstart', starts, passive);
    removeEventListener('touchmove', moves, passive);
    removeEventListener('touchend', ends, true);
    removeEventListener('touchcancel', end, passive);
    removeEventListener('contextmenu', told, true);
  };
}
