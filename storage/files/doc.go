// Package files keeps the bytes of attachments, addressed by their content. A file is named by its SHA-256, so a
// second copy of the same content takes no room. Every file is checked before anyone can get it: its size, its type
// by its content, the pixels of an image, and with ClamAV for viruses. The package knows nothing of actors, Telegram
// or HTTP.
package files
