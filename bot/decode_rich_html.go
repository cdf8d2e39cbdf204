package bot

import "strings"

func richHTML([]any) string { return "" }

var _ = strings.ToUpper
