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
    // As Vite's own does.
    dispatchEvent(new Event('vite:preloadError'));
    throw error;
  }
}

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
    const response = await fetch(address);
    if (!response.ok) throw new TypeError(`the server answered ${response.status}`);
    await response.blob();
    return;
  }
  const link = document.createElement('link');
  link.rel = 'stylesheet';
  link.crossOrigin = '';
  link.href = address;
  await new Promise((resolve, reject) => {
    link.onload = resolve;
    link.onerror = () => {
      link.remove();
      reject(new TypeError(`there is no ${address}`));
    };
    document.head.append(link);
  });
}
