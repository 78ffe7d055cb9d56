// What is loaded when it is wanted. Every `import()` of the built page goes by this (build/plugins.ts), in place of Vite's own
// way: a browser remembers of a module that it could not be had, and would not ask for it again before the page is loaded anew.
// So a module is imported once all its files are there; one that is not there yet is asked for again the next time.

const known = new Map<string, Promise<void>>();

/** `files`: those of the module and of all that it imports, with their styles. */
export async function part<Module>(load: () => Promise<Module>, files: readonly string[] = []): Promise<Module> {
  try {
    await Promise.all(files.map(had));
    return await load();
  } catch (error) {
    if (error instanceof Gone) dispatchEvent(new Event(partGone));
    throw error;
  }
}

/** Told to the window: this page is an older one, of which the server does not have everything any more. */
export const partGone = 'parlor:gone';

/** The server answers, and has no such file. Where it does not answer, or something before it does, the file may well be there. */
class Gone extends Error {}

function had(file: string): Promise<void> {
  let had = known.get(file);
  if (!had) {
    had = fetched(`/${file}`).catch((error: unknown) => {
      known.delete(file);
      throw error;
    });
    known.set(file, had);
  }
  return had;
}

async function fetched(address: string): Promise<void> {
  // What the page began with.
  if (document.querySelector(`[src="${address}"], [href="${address}"]`)) return;
  if (!address.endsWith('.css')) {
    // Not by a link: that it could not be had would be remembered, too. From here on the browser has it by itself.
    return asked(address);
  }
  const link = document.createElement('link');
  link.rel = 'stylesheet';
  link.crossOrigin = '';
  link.href = address;
  await new Promise((resolve, reject) => {
    link.onload = resolve;
    link.onerror = () => {
      link.remove();
      asked(address).then(() => reject(new TypeError(`${address} could not be had`)), reject);
    };
    document.head.append(link);
  });
}

async function asked(address: string): Promise<void> {
  const response = await fetch(address);
  if (response.status === 404) throw new Gone(`there is no ${address} any more`);
  if (!response.ok) throw new TypeError(`the server answered ${response.status}`);
  await response.blob();
}
