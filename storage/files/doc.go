// Package files keeps the bytes of attachments by their content: a file is named by its SHA-256, so that a second copy of the same
// content costs nothing. What comes in is checked before anyone gets it: its size, what it is by its content, the pixels of an
// image, and with ClamAV what is hidden in it. It knows nothing of actors, Telegram or HTTP.
package files
