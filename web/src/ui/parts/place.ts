/** Where something that opens beside something else stands: below it if there is room, else above; never outside. */
export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

export function place(
  anchor: Box,
  size: { width: number; height: number },
  view: { width: number; height: number },
  align: 'start' | 'end' = 'start',
  prefer: 'below' | 'above' = 'below',
): { left: number; top: number } {
  const gap = 6;
  const edge = 8;
  const below = anchor.bottom + gap;
  const above = anchor.top - gap - size.height;
  const fitsBelow = below + size.height <= view.height - edge;
  const fitsAbove = above >= edge;
  const top = prefer === 'below' ? (fitsBelow || !fitsAbove ? below : above) : fitsAbove || !fitsBelow ? above : below;
  const left = align === 'start' ? anchor.left : anchor.right - size.width;
  return {
    left: Math.round(Math.max(edge, Math.min(left, view.width - size.width - edge))),
    top: Math.round(Math.max(edge, Math.min(top, view.height - size.height - edge))),
  };
}
