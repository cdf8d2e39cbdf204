package messages

// Notice is the text that says what is missing before tickets can be opened in the group; "" when nothing is.
func (s Standing) Notice() string {
	switch s {
	case Standing_READY:
		return ""
	case Standing_NO_TOPICS:
		return NoticeGroupNeedsTopics
	case Standing_NO_RIGHTS, Standing_BOT_OUT: // both are mended by making it an administrator with that right
		return NoticeGroupNeedsRights
	}
	return NoticeGroupUnregistered
}
