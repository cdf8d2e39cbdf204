package files

import (
	"context"
	"slices"
	"strings"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
)

// openers open the places by the scheme of their address. Others than file come with a build tag.
var openers = map[string]func(ctx context.Context, address, root string) (*blob.Bucket, error){
	"file": func(_ context.Context, _, root string) (*blob.Bucket, error) {
		// Without its .attrs files beside each file: what is known of content stands in the records.
		return fileblob.OpenBucket(root, &fileblob.Options{CreateDir: true, DirFileMode: 0o700, Metadata: fileblob.MetadataDontWrite})
	},
}

func supported() string {
	var all []string
	for scheme := range openers {
		all = append(all, scheme+"://")
	}
	slices.Sort(all)
	text := "it knows " + strings.Join(all, ", ")
	if openers["s3"] == nil {
		text += " (s3:// needs a program built with -tags s3)"
	}
	return text
}
