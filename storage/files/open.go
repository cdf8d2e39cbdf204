package files

import (
	"context"
	"slices"
	"strings"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
)

// openers open a bucket by the scheme of its address. Schemes other than file need a build tag.
var openers = map[string]func(ctx context.Context, address, root string) (*blob.Bucket, error){
	"file": func(_ context.Context, _, root string) (*blob.Bucket, error) {
		// Without the .attrs files that fileblob writes beside each file: the records have the metadata.
		o := &fileblob.Options{CreateDir: true, DirFileMode: 0o700, Metadata: fileblob.MetadataDontWrite}
		return fileblob.OpenBucket(root, o)
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
