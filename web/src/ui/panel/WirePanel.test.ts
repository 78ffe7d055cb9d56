import { screen } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { afterEach, describe, expect, it } from 'vitest';
import type { MessageEntry } from '../../state/types';
import { language } from '../../texts/language.svelte';
import { show } from '../testing';
import WirePanel from './WirePanel.svelte';

function panel(change: (chat: Parameters<Parameters<typeof show>[1]>[0]) => void = () => undefined) {
  return show(WirePanel as never, (chat) => {
    change(chat);
    const conversation = chat.open('#tea');
    const message = conversation.entries.findLast((entry): entry is MessageEntry => entry.kind === 'message' && entry.id !== null);
    return { conversation, message };
  });
}

const rows = () => screen.getAllByRole('group').map((row) => row.querySelector('summary')?.textContent?.trim());

describe('a message on the wire', () => {
  afterEach(() => language.choose('en'));

  it('is shown layer by layer, then the connection', async () => {
    panel();
    await screen.findByText('Layers');
    const shown = rows();
    expect(shown.map((row) => row?.split(/ (?=\d|yours|ESTAB|TLSv|5E:)/)[0])).toEqual([
      'Text',
      'IRC line',
      'WebSocket frame',
      'TLS record',
      'TCP segment',
      'IP packet',
      'Ethernet frame',
      'Address',
      'Port',
      'Socket',
      'Round-trip time',
      'Retransmits',
      'Congestion window',
      'Segment size',
      'Bytes',
      'MTU',
      'MAC address',
      'TLS',
      'Certificate',
      'DNS none was needed: the address itself was typed',
    ]);
    expect(shown).toContain('Round-trip time 1.5 ms ± 0.25 ms');
    expect(shown).toContain('MAC address yours 02:00:00:00:00:07, the server’s 02:00:00:00:00:01');
    // What the page does not see itself is marked.
    expect(shown.find((row) => row?.startsWith('TLS record'))).toMatch(/^TLS record \d+ bytes = \d+ \+ 22, computed$/);
  });

  it('is so in German', async () => {
    await language.choose('de');
    panel();
    await screen.findByText('Schichten');
    expect(rows()).toContain('Umlaufzeit 1,5 ms ± 0,25 ms');
  });

  it('says so where the server tells nothing of the connection, and assumes the usual', async () => {
    panel((chat) => {
      const conversation = chat.open('#tea');
      conversation.onTheWire = async () => ({ lines: [':bob!b@h PRIVMSG #tea :hi'], connection: null });
    });
    await screen.findByText('This server does not tell what it sees of your connection.');
    expect(rows().at(-1)).toMatch(/^Ethernet frame \d+ bytes = \d+ \+ 18, assumed$/);
  });

  it('lets one choose among the lines of a long message', async () => {
    panel((chat) => {
      const conversation = chat.open('#tea');
      conversation.onTheWire = async () => ({ lines: [':bob!b@h PRIVMSG #tea :one', ':bob!b@h PRIVMSG #tea :and two'], connection: null });
    });
    const choice = await screen.findByLabelText(/^It travels as 2 lines/);
    expect(rows()[0]).toBe('Text 3 bytes');
    await userEvent.selectOptions(choice, 'line 2');
    await expect.poll(() => rows()[0]).toBe('Text 7 bytes');
  });

  it('names the router that hides the MAC addresses', async () => {
    panel((chat) => {
      const conversation = chat.open('#tea');
      const ask = conversation.onTheWire.bind(conversation);
      conversation.onTheWire = async (message) => {
        const told = await ask(message);
        const connection = new Map(told.connection).set('LINK', new Map([['kind', 'ethernet'], ['mtu', '1500'], ['next', 'router']]));
        return { ...told, connection };
      };
    });
    await screen.findByText('Layers');
    expect(rows()).toContain('MAC address a router’s: it stands between you and the server');
  });

  it('says why where it cannot be asked', async () => {
    panel((chat) => {
      chat.open('#tea').onTheWire = () => Promise.reject(new Error('There is no link.'));
    });
    expect((await screen.findByRole('alert')).textContent).toBe('There is no link.');
  });
});
