package messages

import (
	"maps"
	"slices"
	"testing"
)

// Telegram takes albums of photos and videos, of audio, or of documents; nothing else stands in one (Bot API, sendMediaGroup).
func TestAlbumsOf(t *testing.T) {
	albums := map[string][]string{}
	for _, kind := range MediaKinds {
		if name := AlbumOf(kind); name != "" {
			albums[name] = append(albums[name], kind)
		}
	}
	got := slices.SortedFunc(maps.Values(albums), slices.Compare)
	want := [][]string{{MediaAudio}, {MediaDocument}, {MediaLivePhoto, MediaPhoto, MediaVideo}}
	if !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("%q, want %q", got, want)
	}
	if AlbumOf("unheard_of") != "" || ShapeOf(&Content{Media: &Media{Kind: "unheard_of", FileId: "f"}}) != ShapeWords {
		t.Error("a kind that is not known is posted")
	}
}
