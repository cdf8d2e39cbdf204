// Package web is the web desk: the pages at / on which people find and answer the tickets that they could see in Telegram.
//
// Everything it shows comes from the actors, by Ask. Pages are templates with static files, all embedded; the browser
// loads nothing from elsewhere and runs no inline script. The operations pages, for who is signed
// in by an API key, show what the API answers that key, and nothing else. The package knows nothing of storage or Telegram.
package web
