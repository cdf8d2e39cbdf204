// Package group is the room of the groups: what Telegram says of a group, its registration and its settings.
package group
