package bot

import "strconv"

// Ids of commands: the same update is the same command, however often it is delivered. Of a message it is messages.MessageKey.

func callbackCommandID(callbackID string) string { return "cb:" + callbackID }

func updateCommandID(updateID int64) string { return "u:" + strconv.FormatInt(updateID, 10) }
