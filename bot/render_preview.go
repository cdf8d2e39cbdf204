package bot

import (
	"regexp"
	"strings"

	"github.com/go-telegram/bot/models"

	"github.com/topicdesk/topicdesk/messages"
)

// The preview of a link below a text. Telegram previews the first link of a message, so a copy always says which link
// that is, or that there is none: a link in its head is never meant (docs/decisions.md, D78).

// copyPreviewOptions returns the options of the preview of one part of a copy. Of several parts, that with the link
// bears it.
func copyPreviewOptions(c *messages.SendCopyCall) *models.LinkPreviewOptions {
	if messages.ShapeOf(c.GetContent()) != messages.ShapeText {
		return noPreview // Telegram previews no links of captions
	}
	p, _ := pieceOf(c)
	return previewOptions(c.GetContent(), p)
}

// mergedPreviewOptions returns the options of the preview of merged copies: that of the first copy that has one.
func mergedPreviewOptions(copies []*messages.SendCopyCall) *models.LinkPreviewOptions {
	for _, c := range copies {
		if options := copyPreviewOptions(c); options != noPreview {
			return options
		}
	}
	return noPreview
}

// previewOptions returns the options of the preview of one piece of a text; noPreview when none belongs to it.
func previewOptions(c *messages.Content, p piece) *models.LinkPreviewOptions {
	asked := c.GetLinkPreview()
	if asked.GetIsDisabled() {
		return noPreview
	}
	url, at := previewedLink(c)
	if url == "" || at < p.fromUnit || at >= p.toUnit && at > 0 {
		return noPreview
	}
	options := &models.LinkPreviewOptions{URL: &url}
	for _, o := range []struct {
		wanted bool
		field  **bool
	}{
		{asked.GetPreferSmallMedia(), &options.PreferSmallMedia},
		{asked.GetPreferLargeMedia(), &options.PreferLargeMedia},
		{asked.GetShowAboveText(), &options.ShowAboveText},
	} {
		if o.wanted {
			*o.field = &o.wanted
		}
	}
	return options
}

// address finds links in the texts of programs, which nobody has marked.
var address = regexp.MustCompile(`(?i)\bhttps?://[^\s<>"]+[^\s<>".,!?;:')\]]`)

// previewedLink returns the link that Telegram previews, and the unit of the text at which it stands: the one that the
// author chose, else the first. A chosen link that is not in the text belongs to its beginning.
func previewedLink(c *messages.Content) (url string, at int) {
	text, chosen := c.GetText(), c.GetLinkPreview().GetUrl()
	first := -1
	var verbatim []*messages.Entity // in which nothing is a link
	for _, e := range c.GetEntities() {
		link := e.GetUrl()
		switch e.GetType() {
		case "url":
			link = cutUnits(text, int(e.GetOffset()), int(e.GetOffset())+int(e.GetLength()))
		case "text_link":
			if !strings.HasPrefix(link, "http://") && !strings.HasPrefix(link, "https://") {
				continue
			}
		case "code", "pre":
			verbatim = append(verbatim, e)
			continue
		default:
			continue
		}
		if link == "" || chosen != "" && link != chosen {
			continue
		}
		if first < 0 || int(e.GetOffset()) < first {
			url, first = link, int(e.GetOffset())
		}
	}
	switch {
	case first >= 0:
		return url, first
	case chosen != "":
		return chosen, 0
	}
	for _, found := range address.FindAllStringIndex(text, -1) {
		at := messages.UTF16Len(text[:found[0]])
		if !within(verbatim, at) {
			return text[found[0]:found[1]], at
		}
	}
	return "", 0
}

// within says whether a unit of a text lies in one of its entities.
func within(entities []*messages.Entity, unit int) bool {
	for _, e := range entities {
		if int(e.GetOffset()) <= unit && unit < int(e.GetOffset())+int(e.GetLength()) {
			return true
		}
	}
	return false
}

// dropPreview takes the preview away, and says whether there was one.
func (m *outgoing) dropPreview() bool {
	had := m.LinkPreview != nil && m.LinkPreview.URL != nil
	if had {
		m.LinkPreview = noPreview
	}
	return had
}
