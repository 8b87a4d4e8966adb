package auth

// NewRecoveryCode and RecoveryHash are for tests of what nobody else may make.
var (
	NewRecoveryCode = newRecoveryCode
	RecoveryHash    = recoveryHash
)
