// Made by `npm run types` from docs/openapi.en.json; do not edit.

export interface components {
    schemas: {
        /** @description A registration. */
        RegisterRequest: {
            /** @description Letters and digits of any script, and `@ . + - _`; unique, upper and lower case differ. */
            username: string;
            /**
             * Format: password
             * @description At least 8 characters; not common, not only digits, not too similar to the other fields, not known from a leak.
             */
            password: string;
            /** @description A valid address; optional. */
            email?: string;
            /** @description The first name. */
            first_name?: string;
            /** @description The last name. */
            last_name?: string;
        };
        /** @description The tokens, the user, and the dates of the access token. */
        TokenResponse: {
            /** @description The refresh token. */
            refresh: string;
            /** @description The access token. */
            access: string;
            user: components["schemas"]["User"];
            token_info: components["schemas"]["TokenInfo"];
        };
        /** @description The five fields of the profile. */
        User: {
            /**
             * Format: int64
             * @description The customer's id; it never changes.
             */
            id: number;
            /** @description The username. */
            username: string;
            /** @description The e-mail address; empty if there is none. */
            email: string;
            /** @description The first name. */
            first_name: string;
            /** @description The last name. */
            last_name: string;
        };
        /** @description The dates of the access token. */
        TokenInfo: {
            /**
             * Format: date-time
             * @description When the access token expires.
             */
            expires_at: string;
            /**
             * Format: date-time
             * @description When the access token was issued.
             */
            issued_at: string;
            /** @description Always `Bearer`. */
            type: string;
        };
        /** @description A list of texts for each field that is not right. */
        RegisterErrors: {
            /** @description What is wrong with this field; show the first text. */
            username?: string[];
            /** @description What is wrong with this field; show the first text. */
            password?: string[];
            /** @description What is wrong with this field; show the first text. */
            email?: string[];
            /** @description What is wrong with this field; show the first text. */
            first_name?: string[];
            /** @description What is wrong with this field; show the first text. */
            last_name?: string[];
            /** @description What is wrong with the body as a whole. */
            non_field_errors?: string[];
            /** @description Alone, when the body cannot be read. */
            detail?: string;
        };
        /** @description A login. */
        LoginRequest: {
            /** @description The username, or the e-mail address. */
            username: string;
            /**
             * Format: password
             * @description The password.
             */
            password: string;
        };
        /** @description A list of texts for each field that is not right. */
        LoginErrors: {
            /** @description What is wrong with this field; show the first text. */
            username?: string[];
            /** @description What is wrong with this field; show the first text. */
            password?: string[];
            /** @description What is wrong with the body as a whole. */
            non_field_errors?: string[];
            /** @description Alone, when the body cannot be read. */
            detail?: string;
        };
        /** @description A refresh token. */
        RefreshRequest: {
            /** @description The refresh token. */
            refresh: string;
        };
        /** @description Another access token. */
        RefreshResponse: {
            /** @description The access token. */
            access: string;
            /** @description The new refresh token, with rotation; it replaces the old one. */
            refresh?: string;
        };
        /** @description A list of texts for each field that is not right. */
        RefreshErrors: {
            /** @description What is wrong with this field; show the first text. */
            refresh?: string[];
            /** @description What is wrong with the body as a whole. */
            non_field_errors?: string[];
            /** @description Alone, when the body cannot be read. */
            detail?: string;
        };
        /** @description The challenge of a login that waits, and exactly one factor. */
        LoginSecondRequest: {
            /** @description That of the 401 `second_factor_required`. */
            challenge: string;
            /** @description Six digits, in any script; space and hyphens do not matter. */
            code?: string;
            /** @description One of the ten, 24 letters and digits; case and groups do not matter. */
            recovery_code?: string;
            /** @description `true`: trust this device for 30 days. Ask the person first. */
            trust?: boolean;
            /** @description The `ceremony` of the options, with `assertion` or `credential`. */
            ceremony?: string;
            assertion?: components["schemas"]["AuthenticationResponseJSON"];
        };
        /** @description A list of texts for each field that is not right. */
        LoginSecondErrors: {
            /** @description What is wrong with this field; show the first text. */
            challenge?: string[];
            /** @description What is wrong with this field; show the first text. */
            code?: string[];
            /** @description What is wrong with this field; show the first text. */
            recovery_code?: string[];
            /** @description What is wrong with this field; show the first text. */
            trust?: string[];
            /** @description What is wrong with this field; show the first text. */
            ceremony?: string[];
            /** @description What is wrong with this field; show the first text. */
            assertion?: string[];
            /** @description What is wrong with the body as a whole. */
            non_field_errors?: string[];
            /** @description Alone, when the body cannot be read. */
            detail?: string;
        };
        /** @description Exactly one thing that shows who it is. */
        ConfirmRequest: {
            /**
             * Format: password
             * @description The password, if `methods` has it.
             */
            password?: string;
            /** @description Six digits, in any script; spaces and hyphens do not matter. From an authenticator app or, with `code_id`, from a mail. */
            code?: string;
            /** @description One of the ten, 24 letters and digits; case and groups do not matter. */
            recovery_code?: string;
            /** @description The `ceremony` of the options, with `assertion` or `credential`. */
            ceremony?: string;
            assertion?: components["schemas"]["AuthenticationResponseJSON"];
            /** @description The `code_id` of the request for the code. */
            code_id?: string;
        };
        /** @description A list of texts for each field that is not right. */
        ConfirmErrors: {
            /** @description What is wrong with this field; show the first text. */
            password?: string[];
            /** @description What is wrong with this field; show the first text. */
            code?: string[];
            /** @description What is wrong with this field; show the first text. */
            recovery_code?: string[];
            /** @description What is wrong with this field; show the first text. */
            ceremony?: string[];
            /** @description What is wrong with this field; show the first text. */
            assertion?: string[];
            /** @description What is wrong with this field; show the first text. */
            code_id?: string[];
            /** @description What is wrong with the body as a whole. */
            non_field_errors?: string[];
            /** @description Alone, when the body cannot be read. */
            detail?: string;
        };
        /** @description The factors of an account. */
        Factors: {
            /** @description The factors. */
            factors: components["schemas"]["Factor"][];
            /**
             * Format: int32
             * @description How many recovery codes were not used yet.
             */
            recovery_codes_left: number;
        };
        /** @description An authenticator app or a passkey. */
        Factor: {
            /** @description The id. */
            id: string;
            /** @description `totp` (an app) or `passkey`; others may come. */
            kind: string;
            /** @description The name that its owner gave it; may be empty. */
            name: string;
            /**
             * Format: date-time
             * @description When it was made.
             */
            created_at: string;
            /**
             * Format: date-time
             * @description When it was used last; `null`: never.
             */
            last_used_at: string | null;
        };
        /** @description A name. */
        RenameFactorRequest: {
            /** @description The name that its owner gave it; may be empty. */
            name?: string;
        };
        /** @description A list of texts for each field that is not right. */
        RenameFactorErrors: {
            /** @description What is wrong with this field; show the first text. */
            name?: string[];
            /** @description What is wrong with the body as a whole. */
            non_field_errors?: string[];
            /** @description Alone, when the body cannot be read. */
            detail?: string;
        };
        /** @description The password, and a name for the app; both optional. */
        EnrolAppRequest: {
            /**
             * Format: password
             * @description The password, from somebody who has no factor; without it the session's proof counts.
             */
            password?: string;
            /** @description The name that its owner gave it; may be empty. */
            name?: string;
        };
        /** @description What an authenticator app needs. */
        AppSecret: {
            /** @description The id. */
            id: string;
            /** @description The secret in base32, for people who cannot scan. */
            secret: string;
            /** @description The same as a link for an app on this device (`otpauth://`). */
            uri: string;
            /** @description A picture of it, an SVG element: black on white, with its margin. */
            qr: string;
        };
        /** @description A list of texts for each field that is not right. */
        EnrolAppErrors: {
            /** @description What is wrong with this field; show the first text. */
            password?: string[];
            /** @description What is wrong with this field; show the first text. */
            name?: string[];
            /** @description What is wrong with the body as a whole. */
            non_field_errors?: string[];
            /** @description Alone, when the body cannot be read. */
            detail?: string;
        };
        /** @description A code of the app that is being set up. */
        ConfirmAppRequest: {
            /** @description The `id` of the first step; may be left out while one app waits. */
            id?: string;
            /** @description Six digits of the app. */
            code?: string;
        };
        /** @description What comes of a confirmation. */
        FactorAdded: {
            /** @description The codes; `null`: there were some before, and they stay. */
            recovery_codes: string[] | null;
            /**
             * Format: int32
             * @description How many other sessions are open.
             */
            other_sessions: number;
        };
        /** @description A list of texts for each field that is not right. */
        ConfirmAppErrors: {
            /** @description What is wrong with this field; show the first text. */
            id?: string[];
            /** @description What is wrong with this field; show the first text. */
            code?: string[];
            /** @description What is wrong with the body as a whole. */
            non_field_errors?: string[];
            /** @description Alone, when the body cannot be read. */
            detail?: string;
        };
        /** @description Ten codes, each good once. */
        RecoveryCodes: {
            /** @description The codes. */
            recovery_codes: string[];
        };
        /** @description A list of texts for each field that is not right. */
        RenewRecoveryCodesErrors: {
            /** @description What is wrong with the body as a whole. */
            non_field_errors?: string[];
        };
        /** @description The token of the link, and the earlier password. */
        UndoFactorRequest: {
            /** @description The token of the link in the mail. */
            token: string;
            /**
             * Format: password
             * @description The password that was in force before the factor came; optional.
             */
            password?: string;
        };
        /** @description What came of the link. */
        FactorUndone: {
            /** @description Whether the factor is gone. */
            undone: boolean;
            /**
             * Format: date-time
             * @description From when on the recovery that has begun can be finished; `null`: none has.
             */
            recovery_ready_at: string | null;
        };
        /** @description A list of texts for each field that is not right. */
        UndoFactorErrors: {
            /** @description What is wrong with this field; show the first text. */
            token?: string[];
            /** @description What is wrong with this field; show the first text. */
            password?: string[];
            /** @description What is wrong with the body as a whole. */
            non_field_errors?: string[];
            /** @description Alone, when the body cannot be read. */
            detail?: string;
        };
        /** @description What to have signed, and the id to send with the answer. */
        PasskeyRequestResponse: {
            /** @description To send with the answer, within 5 minutes, once. */
            ceremony: string;
            options: components["schemas"]["PublicKeyCredentialRequestOptionsJSON"];
        };
        /** @description What `navigator.credentials.get` takes (Web Authentication Level 3). */
        PublicKeyCredentialRequestOptionsJSON: {
            /** @description What is signed, in base64url. */
            challenge: string;
            /**
             * Format: int64
             * @description For how long the answer is waited for, in milliseconds.
             */
            timeout: number;
            /** @description The domain that the passkeys belong to. */
            rpId: string;
            /** @description Which passkeys may sign; empty: any for this shop. */
            allowCredentials: components["schemas"]["PublicKeyCredentialDescriptorJSON"][];
            /** @description `required` for a login without a name, else `preferred`. */
            userVerification: string;
        };
        /** @description A passkey of the account. */
        PublicKeyCredentialDescriptorJSON: {
            /** @description The passkey's id, in base64url. */
            id: string;
            /** @description Always `public-key`. */
            type: string;
            /** @description How the authenticator is reached, as it says. */
            transports: string[];
        };
        /** @description A list of texts for each field that is not right. */
        BeginPasskeyConfirmErrors: {
            /** @description What is wrong with the body as a whole. */
            non_field_errors?: string[];
        };
        /** @description The challenge of a login that waits; optional. */
        PasskeyLoginOptionsRequest: {
            /** @description That of the 401 `second_factor_required`; without it the login needs no name. */
            challenge?: string;
        };
        /** @description A list of texts for each field that is not right. */
        PasskeyLoginOptionsErrors: {
            /** @description What is wrong with this field; show the first text. */
            challenge?: string[];
            /** @description What is wrong with the body as a whole. */
            non_field_errors?: string[];
            /** @description Alone, when the body cannot be read. */
            detail?: string;
        };
        /** @description What a passkey signed. */
        PasskeyLoginRequest: {
            /** @description The `ceremony` of the options, with `assertion` or `credential`. */
            ceremony: string;
            credential: components["schemas"]["AuthenticationResponseJSON"];
        };
        /** @description A list of texts for each field that is not right. */
        PasskeyLoginErrors: {
            /** @description What is wrong with this field; show the first text. */
            ceremony?: string[];
            /** @description What is wrong with this field; show the first text. */
            credential?: string[];
            /** @description What is wrong with the body as a whole. */
            non_field_errors?: string[];
            /** @description Alone, when the body cannot be read. */
            detail?: string;
        };
        /** @description The password, to confirm; optional. */
        PasskeyOptionsRequest: {
            /**
             * Format: password
             * @description The password, from somebody who has no factor; without it the session's proof counts.
             */
            password?: string;
        };
        /** @description What to have made, and the id to send with the answer. */
        PasskeyCreationResponse: {
            /** @description To send with the answer, within 5 minutes, once. */
            ceremony: string;
            options: components["schemas"]["PublicKeyCredentialCreationOptionsJSON"];
        };
        /** @description What `navigator.credentials.create` takes (Web Authentication Level 3). */
        PublicKeyCredentialCreationOptionsJSON: {
            rp: components["schemas"]["PublicKeyCredentialRpEntity"];
            user: components["schemas"]["PublicKeyCredentialUserEntityJSON"];
            /** @description What is signed, in base64url. */
            challenge: string;
            /** @description The algorithms, the best first. */
            pubKeyCredParams: components["schemas"]["PublicKeyCredentialParameters"][];
            /**
             * Format: int64
             * @description For how long the answer is waited for, in milliseconds.
             */
            timeout: number;
            /** @description The passkeys that there are: no authenticator makes a second one. */
            excludeCredentials: components["schemas"]["PublicKeyCredentialDescriptorJSON"][];
            authenticatorSelection: components["schemas"]["AuthenticatorSelectionCriteria"];
            /** @description Always `none`. */
            attestation: string;
        };
        /** @description The shop, as the authenticator shows it. */
        PublicKeyCredentialRpEntity: {
            /** @description The domain that the passkeys belong to. */
            id: string;
            /** @description The shop's name. */
            name: string;
        };
        /** @description The account, as the authenticator shows it. */
        PublicKeyCredentialUserEntityJSON: {
            /** @description Random bytes that name the account, in base64url. */
            id: string;
            /** @description The username. */
            name: string;
            /** @description The first and the last name, or the username. */
            displayName: string;
        };
        /** @description An algorithm that is taken. */
        PublicKeyCredentialParameters: {
            /** @description Always `public-key`. */
            type: string;
            /**
             * Format: int32
             * @description The algorithm, as COSE numbers it: -7 is ES256.
             */
            alg: number;
        };
        /** @description Which authenticators are wanted. */
        AuthenticatorSelectionCriteria: {
            /** @description Always `preferred`. */
            residentKey: string;
            /** @description Always `false`. */
            requireResidentKey: boolean;
            /** @description Always `preferred`. */
            userVerification: string;
        };
        /** @description A list of texts for each field that is not right. */
        PasskeyOptionsErrors: {
            /** @description What is wrong with this field; show the first text. */
            password?: string[];
            /** @description What is wrong with the body as a whole. */
            non_field_errors?: string[];
            /** @description Alone, when the body cannot be read. */
            detail?: string;
        };
        /** @description What an authenticator made. */
        AddPasskeyRequest: {
            /** @description The `ceremony` of the options, with `assertion` or `credential`. */
            ceremony: string;
            credential: components["schemas"]["RegistrationResponseJSON"];
            /** @description The name that its owner gave it; may be empty. */
            name?: string;
        };
        /** @description A passkey that is a factor now. */
        PasskeyAdded: {
            /** @description The id. */
            id: string;
            /** @description Always `passkey`. */
            kind: string;
            /** @description The name that its owner gave it; may be empty. */
            name: string;
            /**
             * Format: date-time
             * @description When it was made.
             */
            created_at: string;
            /**
             * Format: date-time
             * @description When it was used last; `null`: never.
             */
            last_used_at: string | null;
            /** @description Whether it is on several devices, as of its last use. */
            backed_up: boolean;
            /** @description The codes; `null`: there were some before, and they stay. */
            recovery_codes: string[] | null;
        };
        /** @description A list of texts for each field that is not right. */
        AddPasskeyErrors: {
            /** @description What is wrong with this field; show the first text. */
            ceremony?: string[];
            /** @description What is wrong with this field; show the first text. */
            credential?: string[];
            /** @description What is wrong with this field; show the first text. */
            name?: string[];
            /** @description What is wrong with the body as a whole. */
            non_field_errors?: string[];
            /** @description Alone, when the body cannot be read. */
            detail?: string;
        };
        /** @description What a code is for, and where it goes. */
        CodeRequest: {
            /** @description `reset`, `verify`, `login` or `confirm`. */
            purpose: string;
            /** @description The address; for `verify` and `confirm` it may be left out. */
            to?: string;
            /** @description Which account, if several have this address. */
            username?: string;
            /** @description That of a recent request: the same code is sent again. */
            code_id?: string;
        };
        /** @description The name of the request for a code. */
        CodeSent: {
            /** @description To send with the code. Only the program that asked has it. */
            code_id: string;
        };
        /** @description A list of texts for each field that is not right. */
        CodeErrors: {
            /** @description What is wrong with this field; show the first text. */
            purpose?: string[];
            /** @description What is wrong with this field; show the first text. */
            to?: string[];
            /** @description What is wrong with this field; show the first text. */
            username?: string[];
            /** @description What is wrong with this field; show the first text. */
            code_id?: string[];
            /** @description What is wrong with the body as a whole. */
            non_field_errors?: string[];
            /** @description Alone, when the body cannot be read. */
            detail?: string;
        };
        /** @description The code and the request that it answers. */
        UseCodeRequest: {
            /** @description The `code_id` of the request for the code. */
            code_id: string;
            /** @description The six digits of the mail. */
            code: string;
        };
        /** @description What a code gives. */
        CodeResult: {
            /** @description `reset`, `verify`, `login` or `confirm`. */
            purpose: string;
            /** @description For `password/reset/confirm/`; `null`: there is none. */
            token: string | null;
            login?: components["schemas"]["TokenResponse"];
        };
        /** @description A list of texts for each field that is not right. */
        UseCodeErrors: {
            /** @description What is wrong with this field; show the first text. */
            code_id?: string[];
            /** @description What is wrong with this field; show the first text. */
            code?: string[];
            /** @description What is wrong with the body as a whole. */
            non_field_errors?: string[];
            /** @description Alone, when the body cannot be read. */
            detail?: string;
        };
        /** @description A token to verify. */
        VerifyTokenRequest: {
            /** @description The token. */
            token: string;
        };
        /** @description An empty object. */
        Empty: Record<string, never>;
        /** @description A list of texts for each field that is not right. */
        VerifyTokenErrors: {
            /** @description What is wrong with this field; show the first text. */
            token?: string[];
            /** @description What is wrong with the body as a whole. */
            non_field_errors?: string[];
            /** @description Alone, when the body cannot be read. */
            detail?: string;
        };
        /** @description The token that a service asks about, and its credentials if they are not in the header. */
        ServiceTokenRequest: {
            /** @description The token. */
            token: string;
            /** @description `refresh_token`, for a refresh token. */
            token_type_hint?: string;
            /** @description The service's id, without HTTP Basic. */
            client_id?: string;
            /** @description Its secret, without HTTP Basic. */
            client_secret?: string;
        };
        /** @description What a token says (RFC 7662, section 2.2). */
        Introspection: {
            /** @description Whether the token is good. */
            active: boolean;
            /** @description The customer's id, as a text. */
            sub?: string;
            /** @description The username. */
            username?: string;
            /**
             * Format: int64
             * @description The customer's id.
             */
            user_id?: number;
            /** @description The type of the token. */
            token_type?: string;
            /**
             * Format: int64
             * @description When the token expires, in seconds since 1970.
             */
            exp?: number;
            /**
             * Format: int64
             * @description When it was issued, in seconds since 1970.
             */
            iat?: number;
            /** @description The token's id. */
            jti?: string;
            /** @description Who issued it. */
            iss?: string;
            /** @description Whom it is for: a text, or a list of texts. */
            aud?: unknown;
            /** @description The session. */
            sid?: string;
            /** @description What was shown of the person (RFC 8176): `pwd`, `otp`, `pop`, `mfa`, `email`, `recovery`. */
            amr?: string[];
            /**
             * Format: int64
             * @description When they last showed it, in seconds since 1970.
             */
            auth_time?: number;
        };
        /** @description A login on a device. */
        Session: {
            /** @description The session's id, which its tokens name (`sid`). */
            id: string;
            /**
             * Format: date-time
             * @description When the login was.
             */
            created_at: string;
            /**
             * Format: date-time
             * @description When it was used last, to within five minutes.
             */
            last_used_at: string;
            /**
             * Format: date-time
             * @description When the session ends, if it is not renewed.
             */
            expires_at: string;
            /** @description The IP address; empty if support did it. */
            ip: string;
            /** @description The device, in words, in the language of the request; empty if support did it. */
            device: string;
            /** @description Whether it is the session of this request. */
            current: boolean;
        };
        /** @description A device on which a login asks for no second factor. */
        TrustedDevice: {
            /** @description The id. */
            id: string;
            /**
             * Format: date-time
             * @description When it was made.
             */
            created_at: string;
            /**
             * Format: date-time
             * @description Until when it is trusted.
             */
            expires_at: string;
            /**
             * Format: date-time
             * @description The last login that it spared the second factor; `null`: none.
             */
            last_used_at: string | null;
            /** @description The IP address; empty if support did it. */
            ip: string;
            /** @description The device, in words, in the language of the request; empty if support did it. */
            device: string;
            /** @description Whether it is the device of this request. */
            current: boolean;
        };
        /** @description An act that matters for the account's security. */
        AccountEvent: {
            /**
             * Format: int64
             * @description The id.
             */
            id: number;
            /**
             * Format: date-time
             * @description When it happened.
             */
            at: string;
            /** @description The kind; stable, others may come. */
            kind: string;
            /** @description The sentence to show, in the language of the request. */
            text: string;
            /** @description The IP address; empty if support did it. */
            ip: string;
            /** @description The device, in words, in the language of the request; empty if support did it. */
            device: string;
            /** @description Whether it was done in the session of this request. */
            current_session: boolean;
        };
        /** @description A list of texts for each field that is not right. */
        ListEventsErrors: {
            /** @description What is wrong with this field; show the first text. */
            before?: string[];
        };
        /** @description The token of a link. */
        LinkRequest: {
            /** @description The token of the link in the mail. */
            token: string;
        };
        /** @description A list of texts for each field that is not right. */
        LinkErrors: {
            /** @description What is wrong with this field; show the first text. */
            token?: string[];
            /** @description What is wrong with the body as a whole. */
            non_field_errors?: string[];
            /** @description Alone, when the body cannot be read. */
            detail?: string;
        };
        /** @description A recovery that waits. */
        Recovery: {
            /**
             * Format: date-time
             * @description When it began.
             */
            started_at: string;
            /**
             * Format: date-time
             * @description From when on it can be finished.
             */
            ready_at: string;
            /** @description Whether support began it. */
            by_staff: boolean;
            /** @description The mailbox that finishes it, masked. */
            email: string;
        };
        /** @description The present password and the new one. */
        ChangePasswordRequest: {
            /**
             * Format: password
             * @description The present password, from somebody who has no factor; without it the session's proof counts.
             */
            current_password?: string;
            /**
             * Format: password
             * @description The new password, by the rules of registration.
             */
            new_password: string;
        };
        /** @description A list of texts for each field that is not right. */
        ChangePasswordErrors: {
            /** @description What is wrong with this field; show the first text. */
            current_password?: string[];
            /** @description What is wrong with this field; show the first text. */
            new_password?: string[];
            /** @description What is wrong with the body as a whole. */
            non_field_errors?: string[];
            /** @description Alone, when the body cannot be read. */
            detail?: string;
        };
        /** @description The address whose password was forgotten. */
        PasswordResetRequest: {
            /**
             * Format: email
             * @description The account's address.
             */
            email: string;
            /** @description Which account, if several have this address. */
            username?: string;
            /** @description That of a recent request: the same code is sent again. */
            code_id?: string;
        };
        /** @description A sentence to show, and the name of the code in the mail. */
        MailSent: {
            /** @description The sentence to show, in the language of the request. */
            detail: string;
            /** @description To send with the code of the mail. Only the program that asked has it. */
            code_id: string;
        };
        /** @description A list of texts for each field that is not right. */
        PasswordResetErrors: {
            /** @description What is wrong with this field; show the first text. */
            email?: string[];
            /** @description What is wrong with this field; show the first text. */
            username?: string[];
            /** @description What is wrong with this field; show the first text. */
            code_id?: string[];
            /** @description What is wrong with the body as a whole. */
            non_field_errors?: string[];
            /** @description Alone, when the body cannot be read. */
            detail?: string;
        };
        /** @description The token of a link, or a code, and the new password. */
        ResetPasswordRequest: {
            /** @description The token of the link in the mail, or of `code/confirm/`. */
            token?: string;
            /** @description The `code_id` of the request for the code. */
            code_id?: string;
            /** @description The six digits of the mail, with `code_id`, instead of `token`. */
            code?: string;
            /**
             * Format: password
             * @description The new password, by the rules of registration.
             */
            new_password: string;
        };
        /** @description A list of texts for each field that is not right. */
        ResetPasswordErrors: {
            /** @description What is wrong with this field; show the first text. */
            token?: string[];
            /** @description What is wrong with this field; show the first text. */
            code_id?: string[];
            /** @description What is wrong with this field; show the first text. */
            code?: string[];
            /** @description What is wrong with this field; show the first text. */
            new_password?: string[];
            /** @description What is wrong with the body as a whole. */
            non_field_errors?: string[];
            /** @description Alone, when the body cannot be read. */
            detail?: string;
        };
        /** @description The code to send again; optional. */
        ResendVerificationRequest: {
            /** @description That of a recent request: the same code is sent again. */
            code_id?: string;
        };
        /** @description A list of texts for each field that is not right. */
        ResendVerificationErrors: {
            /** @description What is wrong with this field; show the first text. */
            code_id?: string[];
            /** @description What is wrong with this field; show the first text. */
            email?: string[];
            /** @description What is wrong with the body as a whole. */
            non_field_errors?: string[];
            /** @description Alone, when the body cannot be read. */
            detail?: string;
        };
        /** @description The password and the new address. */
        ChangeEmailRequest: {
            /**
             * Format: password
             * @description The password.
             */
            password?: string;
            /**
             * Format: email
             * @description The new address.
             */
            email: string;
        };
        /** @description A sentence to show and, sometimes, the error's code. */
        Detail: {
            /** @description The sentence to show, in the language of the request. */
            detail: string;
            /** @description The error's stable code, as in `X-Error-Code`. */
            code?: string;
        };
        /** @description A list of texts for each field that is not right. */
        ChangeEmailErrors: {
            /** @description What is wrong with this field; show the first text. */
            password?: string[];
            /** @description What is wrong with this field; show the first text. */
            email?: string[];
            /** @description What is wrong with the body as a whole. */
            non_field_errors?: string[];
            /** @description Alone, when the body cannot be read. */
            detail?: string;
        };
        /** @description What changes of the profile. */
        UpdateMeRequest: {
            /** @description Another username; it needs a proof of the last five minutes, or `password`. */
            username?: string;
            /** @description The first name. */
            first_name?: string;
            /** @description The last name. */
            last_name?: string;
            /**
             * Format: password
             * @description The present password, for another `username` only.
             */
            password?: string;
        };
        /** @description A list of texts for each field that is not right. */
        UpdateMeErrors: {
            /** @description What is wrong with this field; show the first text. */
            username?: string[];
            /** @description What is wrong with this field; show the first text. */
            first_name?: string[];
            /** @description What is wrong with this field; show the first text. */
            last_name?: string[];
            /** @description What is wrong with this field; show the first text. */
            password?: string[];
            /** @description What is wrong with the body as a whole. */
            non_field_errors?: string[];
            /** @description Alone, when the body cannot be read. */
            detail?: string;
        };
        /** @description The password, to confirm. */
        CloseMeRequest: {
            /**
             * Format: password
             * @description The password.
             */
            password?: string;
        };
        /** @description A list of texts for each field that is not right. */
        CloseMeErrors: {
            /** @description What is wrong with this field; show the first text. */
            password?: string[];
            /** @description What is wrong with the body as a whole. */
            non_field_errors?: string[];
            /** @description Alone, when the body cannot be read. */
            detail?: string;
        };
        /** @description How safe the account is. */
        Security: {
            /** @description Whether the person has shown that they read that mailbox. */
            email_verified: boolean;
            /**
             * Format: date-time
             * @description When they did.
             */
            email_verified_at: string | null;
            /**
             * Format: date-time
             * @description When the password was changed.
             */
            password_changed_at: string;
            /**
             * Format: date-time
             * @description When the account was made.
             */
            joined_at: string;
            /**
             * Format: date-time
             * @description The last login.
             */
            last_login_at: string | null;
            /**
             * Format: int32
             * @description How many sessions are open.
             */
            open_sessions: number;
        };
        /** @description All that is held about a person. */
        AccountExport: {
            /**
             * Format: date-time
             * @description When the export was made.
             */
            exported_at: string;
            user: components["schemas"]["ExportedUser"];
            /** @description The sessions, the newest 1,000. */
            sessions: components["schemas"]["ExportedSession"][];
            /** @description The links that were mailed, the newest 1,000. */
            challenges: components["schemas"]["ExportedLink"][];
            /** @description The mails, the newest 1,000. */
            mails: components["schemas"]["ExportedMail"][];
            /** @description Earlier usernames. */
            former_usernames: components["schemas"]["ExportedName"][];
            /** @description What other programs were told, the newest 1,000. */
            told_to_webhooks: components["schemas"]["ExportedTold"][];
            /** @description The factors. */
            factors: components["schemas"]["ExportedFactor"][];
            /** @description The recovery codes. */
            recovery_codes: components["schemas"]["ExportedCode"][];
            /** @description The trusted devices. */
            trusted_devices: components["schemas"]["ExportedDevice"][];
            /** @description The places of logins. */
            login_places: components["schemas"]["ExportedPlace"][];
            /** @description How many mails there were, by kind. */
            notices: components["schemas"]["ExportedNotice"][];
            /** @description The recoveries. */
            recoveries: components["schemas"]["ExportedRecovery"][];
            /** @description What the person is in the staff: none or one. */
            roles: components["schemas"]["ExportedRole"][];
            /** @description The notes of the staff. */
            notes: components["schemas"]["ExportedNote"][];
            /** @description The passkeys. */
            passkeys: components["schemas"]["ExportedPasskey"][];
            /** @description The codes that were mailed, the newest 1,000. */
            codes: components["schemas"]["ExportedMailedCode"][];
            /** @description The events, the newest 10,000. */
            events: components["schemas"]["ExportedEvent"][];
            /** @description Whether older sessions were left out. */
            sessions_truncated: boolean;
            /** @description Whether older links were left out. */
            challenges_truncated: boolean;
            /** @description Whether older mails were left out. */
            mails_truncated: boolean;
            /** @description Whether older rows were left out. */
            told_to_webhooks_truncated: boolean;
            /** @description Whether older codes were left out. */
            codes_truncated: boolean;
            /** @description Whether older notes were left out. */
            notes_truncated: boolean;
            /** @description Whether older events were left out. */
            events_truncated: boolean;
        };
        /** @description The account. */
        ExportedUser: {
            /**
             * Format: int64
             * @description The id.
             */
            id: number;
            /** @description The username. */
            username: string;
            /** @description The e-mail address; empty if there is none. */
            email: string;
            /** @description The first name. */
            first_name: string;
            /** @description The last name. */
            last_name: string;
            /**
             * Format: date-time
             * @description When they did.
             */
            email_verified_at: string | null;
            /** @description Whether a password opens the account. */
            has_password: boolean;
            /** @description Whether the account is open. */
            is_active: boolean;
            /** @description Whether the person is of the staff. */
            is_staff: boolean;
            /** @description Whether the person may do everything. */
            is_superuser: boolean;
            /** @description The language. */
            language: string;
            /**
             * Format: date-time
             * @description When the account was made.
             */
            joined_at: string;
            /**
             * Format: date-time
             * @description The last login.
             */
            last_login_at: string | null;
            /**
             * Format: date-time
             * @description When the password was changed.
             */
            password_changed_at: string;
            /**
             * Format: date-time
             * @description When they last logged out everywhere.
             */
            signed_out_everywhere_at: string | null;
            /**
             * Format: date-time
             * @description When the account was closed.
             */
            closed_at: string | null;
        };
        /** @description A session, open or ended. */
        ExportedSession: {
            /** @description The id. */
            id: string;
            /**
             * Format: date-time
             * @description When it was made.
             */
            created_at: string;
            /**
             * Format: date-time
             * @description When it was used last, to within five minutes.
             */
            last_used_at: string;
            /**
             * Format: date-time
             * @description When the newest refresh token was issued.
             */
            refresh_token_issued_at: string;
            /**
             * Format: date-time
             * @description When the session ends.
             */
            expires_at: string;
            /**
             * Format: date-time
             * @description When the session was ended.
             */
            revoked_at: string | null;
            /** @description The IP address; empty if support did it. */
            ip: string;
            /** @description The program, as it named itself. */
            user_agent: string;
        };
        /** @description A link that was mailed. */
        ExportedLink: {
            /** @description The kind; stable, others may come. */
            kind: string;
            /** @description The e-mail address; empty if there is none. */
            email: string;
            /**
             * Format: date-time
             * @description When it was made.
             */
            created_at: string;
            /**
             * Format: date-time
             * @description When the link expires.
             */
            expires_at: string;
            /**
             * Format: date-time
             * @description When the link was used.
             */
            used_at: string | null;
        };
        /** @description A mail that was sent or waits. */
        ExportedMail: {
            /** @description The kind; stable, others may come. */
            kind: string;
            /** @description The e-mail address; empty if there is none. */
            email: string;
            /** @description The language. */
            language: string;
            /** @description The IP address; empty if support did it. */
            ip: string;
            details: components["schemas"]["ExportedMailDetails"];
            /**
             * Format: date-time
             * @description When it was made.
             */
            created_at: string;
            /**
             * Format: date-time
             * @description When the mail went out.
             */
            sent_at: string | null;
            /**
             * Format: int32
             * @description How often sending it was tried.
             */
            attempts: number;
        };
        /** @description What the mail told beside its link. */
        ExportedMailDetails: {
            /** @description The username. */
            username?: string;
            /** @description The e-mail address; empty if there is none. */
            email?: string;
            /** @description The IP address; empty if support did it. */
            ip?: string;
            /** @description The device, in words, in the language of the request; empty if support did it. */
            device?: string;
            /**
             * Format: date-time
             * @description Until when.
             */
            until?: string;
            /** @description The reference of the request. */
            request_id?: string;
        };
        /** @description An earlier username. */
        ExportedName: {
            /** @description The username. */
            username: string;
            /**
             * Format: date-time
             * @description When the name was changed.
             */
            changed_at: string;
        };
        /** @description What another program was told of the account. */
        ExportedTold: {
            /** @description Who was told. */
            webhook: string;
            /** @description What happened. */
            type: string;
            /** @description The names of what changed. */
            fields: string[];
            /**
             * Format: date-time
             * @description When it happened.
             */
            at: string;
            /** @description How far the delivery is. */
            state: string;
        };
        /** @description An authenticator app or a passkey, also one that was not confirmed. */
        ExportedFactor: {
            /** @description The id. */
            id: string;
            /** @description The kind; stable, others may come. */
            kind: string;
            /** @description The name that its owner gave it; may be empty. */
            name: string;
            /**
             * Format: date-time
             * @description When it was made.
             */
            created_at: string;
            /**
             * Format: date-time
             * @description Until when it can be confirmed.
             */
            expires_at: string | null;
            /**
             * Format: date-time
             * @description When it became a factor.
             */
            confirmed_at: string | null;
            /**
             * Format: date-time
             * @description When it was used last, to within five minutes.
             */
            last_used_at: string | null;
        };
        /** @description A recovery code. What it is nobody can read. */
        ExportedCode: {
            /**
             * Format: date-time
             * @description When it was made.
             */
            created_at: string;
            /**
             * Format: date-time
             * @description When the code was used.
             */
            used_at: string | null;
        };
        /** @description A trusted device. */
        ExportedDevice: {
            /** @description The id. */
            id: string;
            /**
             * Format: date-time
             * @description When it was made.
             */
            created_at: string;
            /**
             * Format: date-time
             * @description Until when it is trusted.
             */
            expires_at: string;
            /**
             * Format: date-time
             * @description When it was used last, to within five minutes.
             */
            last_used_at: string | null;
            /** @description The IP address; empty if support did it. */
            ip: string;
            /** @description The program, as it named itself. */
            user_agent: string;
        };
        /** @description That the person logged in from some network and browser; from which nobody can read. */
        ExportedPlace: {
            /**
             * Format: date-time
             * @description When it was seen last.
             */
            seen_at: string;
        };
        /** @description How many mails of a kind there were. */
        ExportedNotice: {
            /** @description The kind; stable, others may come. */
            kind: string;
            /**
             * Format: date-time
             * @description Since when they are counted.
             */
            since: string;
            /**
             * Format: int32
             * @description How many there were.
             */
            count: number;
        };
        /** @description A recovery, whatever became of it. */
        ExportedRecovery: {
            /** @description The e-mail address; empty if there is none. */
            email: string;
            /** @description Whether support began it. */
            by_staff: boolean;
            /** @description The reason that support gave. */
            reason: string;
            /**
             * Format: date-time
             * @description When it began.
             */
            started_at: string;
            /**
             * Format: date-time
             * @description From when on it can be finished.
             */
            ready_at: string;
            /**
             * Format: date-time
             * @description When it was stopped.
             */
            stopped_at: string | null;
            /** @description By what it was stopped. */
            stopped_by: string;
            /**
             * Format: date-time
             * @description When it was finished.
             */
            finished_at: string | null;
        };
        /** @description A role in the staff. */
        ExportedRole: {
            /** @description `support`, `manager` or `owner`. */
            role: string;
            /**
             * Format: date-time
             * @description When it was offered.
             */
            given_at: string;
            /**
             * Format: date-time
             * @description When it was accepted; null: not yet.
             */
            accepted_at: string | null;
            /**
             * Format: date-time
             * @description When it was suspended; null: it is not.
             */
            suspended_at: string | null;
        };
        /** @description A note of the staff. */
        ExportedNote: {
            /** @description The text. */
            text: string;
            /**
             * Format: date-time
             * @description When it was made.
             */
            created_at: string;
        };
        /** @description What is kept of a passkey beside its factor. */
        ExportedPasskey: {
            /** @description The `id` of its factor. */
            factor: string;
            /** @description The model of the authenticator; zeros: it does not say. */
            aaguid: string;
            /** @description How the authenticator is reached, as it says. */
            transports: string[];
            /** @description Whether it can be on several devices. */
            backup_eligible: boolean;
            /** @description Whether it is on several devices, as of its last use. */
            backed_up: boolean;
            /**
             * Format: int64
             * @description How often it has signed, as it counts.
             */
            sign_count: number;
            /** @description The domain that it belongs to. */
            rp_id: string;
        };
        /** @description A code that was mailed. The code itself is kept nowhere. */
        ExportedMailedCode: {
            /** @description `reset`, `verify`, `login` or `confirm`. */
            purpose: string;
            /** @description The e-mail address; empty if there is none. */
            email: string;
            /**
             * Format: date-time
             * @description When it was made.
             */
            created_at: string;
            /**
             * Format: date-time
             * @description When the mail was made.
             */
            mailed_at: string | null;
            /**
             * Format: int32
             * @description How many wrong codes were tried.
             */
            wrong_tries: number;
            /**
             * Format: date-time
             * @description When the code was used.
             */
            used_at: string | null;
        };
        /** @description An event. */
        ExportedEvent: {
            /**
             * Format: int64
             * @description The id.
             */
            id: number;
            /**
             * Format: date-time
             * @description When it happened.
             */
            at: string;
            /** @description The kind; stable, others may come. */
            kind: string;
            /** @description Who did it: `user`, `anonymous`, `staff`, `system` or `service`. */
            actor: string;
            /** @description The IP address; empty if support did it. */
            ip: string;
            /** @description The program, as it named itself. */
            user_agent: string;
            /** @description The session. */
            session_id: string;
            /** @description The reference of the request. */
            request_id: string;
            /**
             * Format: int32
             * @description How many acts the event counts.
             */
            count: number;
            /** @description The reason that the staff gave. */
            reason?: string;
            /** @description The fields that changed. */
            changed_fields?: string[];
            /** @description The session that was ended. */
            ended_session_id?: string;
        };
        /** @description What is wrong with the token. */
        TokenMessage: {
            /** @description Always `AccessToken`. */
            token_class: string;
            /** @description The type of the token. */
            token_type: string;
            /** @description The sentence. */
            message: string;
        };
        /** @description Why the access token is missing or refused. */
        AuthenticationError: {
            /** @description The sentence to show, in the language of the request. */
            detail: string;
            /** @description The error's stable code, as in `X-Error-Code`. */
            code?: string;
            /** @description What is wrong with the token. */
            messages?: components["schemas"]["TokenMessage"][];
        };
        /** @description Why the login was refused; with `second_factor_required`, how it goes on. */
        LoginRefused: {
            /** @description The sentence to show, in the language of the request. */
            detail: string;
            /** @description The error's stable code, as in `X-Error-Code`. */
            code?: string;
            /** @description What `login/second/` takes, for 5 minutes. Keep it in memory only, never in a URL. */
            challenge?: string;
            /** @description What may be shown, the strongest first: `passkey`, `totp`, `email`, `password`, `recovery_code`. Others may come; ignore those that you do not know. */
            methods?: string[];
            /** @description What is wrong with an access token that was sent. */
            messages?: components["schemas"]["TokenMessage"][];
        };
        /** @description What to show first. */
        ConfirmRequired: {
            /** @description The sentence to show, in the language of the request. */
            detail: string;
            /** @description The error's stable code, as in `X-Error-Code`. */
            code: string;
            /** @description What may be shown, the strongest first: `passkey`, `totp`, `email`, `password`, `recovery_code`. Others may come; ignore those that you do not know. */
            methods: string[];
        };
        /** @description What `PublicKeyCredential.toJSON()` gives after `create` (Web Authentication Level 3). */
        RegistrationResponseJSON: {
            /** @description The passkey's id, in base64url. */
            id: string;
            /** @description The same as `id`. */
            rawId: string;
            response: components["schemas"]["AuthenticatorAttestationResponseJSON"];
            /** @description `platform` or `cross-platform`. */
            authenticatorAttachment?: string;
            /** @description What extensions answered; not looked at. */
            clientExtensionResults: Record<string, never>;
            /** @description Always `public-key`. */
            type: string;
        };
        /** @description The new passkey. The statement of its maker is not looked at. */
        AuthenticatorAttestationResponseJSON: {
            /** @description What the browser says that it was asked, in base64url. */
            clientDataJSON: string;
            /** @description The new key, in base64url. */
            attestationObject: string;
            /** @description How the authenticator is reached, as it says. */
            transports?: string[];
            /** @description What the authenticator says of itself, in base64url. */
            authenticatorData?: string;
            /** @description The public key, in base64url; not looked at. */
            publicKey?: string;
            /**
             * Format: int32
             * @description Its algorithm; not looked at.
             */
            publicKeyAlgorithm?: number;
        };
        /** @description What `PublicKeyCredential.toJSON()` gives after `get` (Web Authentication Level 3). */
        AuthenticationResponseJSON: {
            /** @description The passkey's id, in base64url. */
            id: string;
            /** @description The same as `id`. */
            rawId: string;
            response: components["schemas"]["AuthenticatorAssertionResponseJSON"];
            /** @description `platform` or `cross-platform`. */
            authenticatorAttachment?: string;
            /** @description What extensions answered; not looked at. */
            clientExtensionResults: Record<string, never>;
            /** @description Always `public-key`. */
            type: string;
        };
        /** @description The signature. */
        AuthenticatorAssertionResponseJSON: {
            /** @description What the browser says that it was asked, in base64url. */
            clientDataJSON: string;
            /** @description What the authenticator says of itself, in base64url. */
            authenticatorData: string;
            /** @description The signature, in base64url. */
            signature: string;
            /** @description The bytes that name the account, in base64url. */
            userHandle?: string;
        };
        /** @description An error as OAuth writes it (RFC 6749, section 5.2). */
        OAuthError: {
            /** @description OAuth's code. */
            error: string;
            /** @description The sentence to show, in the language of the request. */
            detail: string;
        };
        /** @description A public key: EC (ES256), OKP (EdDSA) or RSA (RS256). */
        Key: {
            /** @description The kind of key. */
            kty: string;
            /** @description Always `sig`. */
            use: string;
            /** @description The algorithm. */
            alg: string;
            /** @description The key's name, which tokens have. */
            kid: string;
            /** @description The curve. */
            crv?: string;
            /** @description The x coordinate, in base64url. */
            x?: string;
            /** @description The y coordinate, in base64url. */
            y?: string;
            /** @description RSA's modulus, in base64url. */
            n?: string;
            /** @description RSA's exponent, in base64url. */
            e?: string;
        };
        /** @description Public keys (RFC 7517, section 5). */
        KeySet: {
            /** @description The keys. */
            keys: components["schemas"]["Key"][];
        };
        /** @description The server for OAuth libraries (RFC 8414, section 2). There are no authorization and token endpoints. */
        ServerMetadata: {
            /** @description The `iss` of tokens. */
            issuer: string;
            /** @description The URL of the key set. */
            jwks_uri: string;
            /** @description Always empty. */
            response_types_supported: string[];
            /** @description Always empty. */
            grant_types_supported: string[];
            /** @description Where services ask whether a token is good (RFC 7662). */
            introspection_endpoint: string;
            /** @description How they show who they are. */
            introspection_endpoint_auth_methods_supported: string[];
            /** @description Where services end the session of a token (RFC 7009). */
            revocation_endpoint: string;
            /** @description How they show who they are. */
            revocation_endpoint_auth_methods_supported: string[];
            /** @description The documents for developers. */
            service_documentation: string;
        };
        /** @description The state of the server. */
        Health: {
            /** @description `ok` or `unavailable`. */
            status: string;
            /** @description Why the server cannot serve. */
            reason?: string;
        };
    };
}
