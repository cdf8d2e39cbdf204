package bot

import "strconv"

// Ids of commands: an update that is delivered again gives the same id. A message's command id is messages.MessageKey.

func callbackCommandID(callbackID string) string { return "cb:" + callbackID }

func updateCommandID(updateID int64) string { return "u:" + strconv.FormatInt(updateID, 10) }
