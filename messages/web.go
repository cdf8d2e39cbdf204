package messages

import "crypto/sha256"

// WebSignInPath is the path of the page on which people sign in to the web desk, below the desk's address.
const WebSignInPath = "/sign-in"

// HashWebSecret is what is kept of a secret of the web desk. The secrets are random, so a plain hash will do.
func HashWebSecret(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}
