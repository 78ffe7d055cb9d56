import { mount } from 'svelte';
import './app.css';
import { createChat } from './state/chat.svelte';
import { language } from './texts/language.svelte';
import Page from './ui/Page.svelte';

const target = document.getElementById('page');
if (target) {
  // Without its language the page would be shown in two, one after the other; English is there in any case.
  void language
    .start()
    .catch(() => undefined)
    .then(() => {
      const chat = createChat();
      // The server is asked before anything is drawn.
      void chat.start();
      mount(Page, { target, props: { chat } });
    });
}
