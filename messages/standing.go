package messages

// Notice returns the key of the text that says what is missing before tickets can be opened in the group, "" when
// nothing is (docs/decisions.md, D59).
func (s Standing) Notice() string {
	switch s {
	case Standing_READY:
		return ""
	case Standing_NO_TOPICS:
		return NoticeGroupNeedsTopics
	case Standing_NO_RIGHTS, Standing_BOT_OUT: // the remedy is the same: make the bot an administrator with that right
		return NoticeGroupNeedsRights
	}
	return NoticeGroupUnregistered
}
