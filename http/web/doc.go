// Package web is the web desk: the pages at / on which people find and answer the tickets that they could see in Telegram.
//
// Everything it shows comes from the actors, by Ask. Pages are templates with static files, all embedded; the browser
// loads nothing from elsewhere and runs no inline script. The package knows nothing of API keys, storage or Telegram.
package web
