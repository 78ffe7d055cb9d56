// A QR code of an address as rows of dark and light, to be drawn by a component. The library is loaded when it is wanted.

export async function qr(text: string): Promise<readonly (readonly boolean[])[]> {
  const { generate } = await import('lean-qr');
  const code = generate(text);
  return Array.from({ length: code.size }, (_, y) => Array.from({ length: code.size }, (_, x) => code.get(x, y)));
}
