//go:build s3

package files

import (
	"context"

	"gocloud.dev/blob"
	_ "gocloud.dev/blob/s3blob" // s3://bucket?region=…; credentials come from AWS's own settings
)

func init() {
	openers["s3"] = func(ctx context.Context, address, _ string) (*blob.Bucket, error) {
		return blob.OpenBucket(ctx, address)
	}
}
