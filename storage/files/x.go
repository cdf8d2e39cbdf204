package files

import (
	_ "github.com/gabriel-vasile/mimetype"
	_ "github.com/hashicorp/go-retryablehttp"
	_ "gocloud.dev/blob/fileblob"
	_ "golang.org/x/image/webp"
)
