/**
 * Addresses in texts of others. Only https becomes a link: a text comes from elsewhere, and `javascript:` is an address
 * too.
 */

import { make } from './form.js';

/** Up to the first space; a full stop or a bracket at its end belongs to the sentence. */
const ADDRESS = /https:\/\/[^\s<>"]*[^\s<>"'.,;:!?)\]]/g;

/**
 * @param {string} text
 * @returns {(Node | string)[]} the text, its addresses as links
 */
export function linked(text) {
  /** @type {(Node | string)[]} */
  const pieces = [];
  let end = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const [address] = match;
    if (!isAddress(address)) {
      continue;
    }
    pieces.push(text.slice(end, match.index), link(address));
    end = match.index + address.length;
  }
  return [...pieces, text.slice(end)].filter((piece) => piece !== '');
}

/** @param {string} address https */
function link(address) {
  return make('a', { href: address, target: '_blank', rel: 'noopener noreferrer' }, address);
}

/** @param {string} text */
function isAddress(text) {
  try {
    return new URL(text).protocol === 'https:';
  } catch {
    return false;
  }
}
