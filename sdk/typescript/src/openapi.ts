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
            /** @description The IP address; empty if the support did it. */
            ip: string;
            /** @description The device, in words, in the language of the request; empty if the support did it. */
            device: string;
            /** @description Whether it is the session of this request. */
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
            /** @description The IP address; empty if the support did it. */
            ip: string;
            /** @description The device, in words, in the language of the request; empty if the support did it. */
            device: string;
            /** @description Whether it was done in the session of this request. */
            current_session: boolean;
        };
        /** @description A list of texts for each field that is not right. */
        ListEventsErrors: {
            /** @description What is wrong with this field; show the first text. */
            before?: string[];
        };
        /** @description The present password and the new one. */
        ChangePasswordRequest: {
            /**
             * Format: password
             * @description The present password.
             */
            current_password: string;
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
            /** @description Which one, if several accounts have this address. */
            username?: string;
        };
        /** @description A sentence to show and, sometimes, the error's code. */
        Detail: {
            /** @description The sentence to show, in the language of the request. */
            detail: string;
            /** @description The error's stable code, as in `X-Error-Code`. */
            code?: string;
        };
        /** @description A list of texts for each field that is not right. */
        PasswordResetErrors: {
            /** @description What is wrong with this field; show the first text. */
            email?: string[];
            /** @description What is wrong with this field; show the first text. */
            username?: string[];
            /** @description What is wrong with the body as a whole. */
            non_field_errors?: string[];
            /** @description Alone, when the body cannot be read. */
            detail?: string;
        };
        /** @description The token of a link and the new password. */
        ResetPasswordRequest: {
            /** @description The token of the link in the mail. */
            token: string;
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
            new_password?: string[];
            /** @description What is wrong with the body as a whole. */
            non_field_errors?: string[];
            /** @description Alone, when the body cannot be read. */
            detail?: string;
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
        /** @description A list of texts for each field that is not right. */
        ResendVerificationErrors: {
            /** @description What is wrong with this field; show the first text. */
            email?: string[];
        };
        /** @description The password and the new address. */
        ChangeEmailRequest: {
            /**
             * Format: password
             * @description The password.
             */
            password: string;
            /**
             * Format: email
             * @description The new address.
             */
            email: string;
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
            /** @description Another username; it needs `password`. */
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
            password: string;
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
            /** @description The usernames of before. */
            former_usernames: components["schemas"]["ExportedName"][];
            /** @description What other programs were told, the newest 1,000. */
            told_to_webhooks: components["schemas"]["ExportedTold"][];
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
            /** @description The IP address; empty if the support did it. */
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
            /** @description The IP address; empty if the support did it. */
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
            /** @description The IP address; empty if the support did it. */
            ip?: string;
            /** @description The device, in words, in the language of the request; empty if the support did it. */
            device?: string;
            /**
             * Format: date-time
             * @description Until when.
             */
            until?: string;
            /** @description The reference of the request. */
            request_id?: string;
        };
        /** @description A username of before. */
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
            /** @description The IP address; empty if the support did it. */
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
        /** @description The state of the server. */
        Health: {
            /** @description `ok` or `unavailable`. */
            status: string;
            /** @description Why the server cannot serve. */
            reason?: string;
        };
    };
}
