package messages

// Reasons for which only programs are refused something; reasons that people meet too are the keys of notices. They are
// the "code" of the API's errors.
const (
	ReasonKeyRevoked = "api_key_revoked" // a revoked key can't be changed
	ReasonKeyShown   = "api_key_shown"   // the secret was already shown to whoever asked first
	ReasonUserExists = "user_exists"     // PUT changes an existing user

	ReasonUsernameTaken = "username_taken" // the desk knows somebody else by it
)
