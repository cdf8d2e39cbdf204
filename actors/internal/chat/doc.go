// Package chat is the room of the chats: one entity for each Telegram chat, through which all calls to it leave.
package chat
