package messages

// Reasons of refusals that only programs meet; those that people meet, too, are the keys of notices. They are the
// "code" of the API's errors.
const (
	ReasonKeyRevoked = "api_key_revoked" // it can't be changed any more
	ReasonKeyShown   = "api_key_shown"   // the secret was shown to whoever asked first
	ReasonUserExists = "user_exists"     // PUT changes it
)
