// Package chat is the room of the chats: one entity for each Telegram chat, the only place from which calls to it leave.
package chat
