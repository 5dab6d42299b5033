// Made from crates/panel/openapi.json by `npm run types`; not to be edited.
export interface paths {
    "/api/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Who changed what, the newest first.
         * @description The admin. Once the first set-up is complete.
         */
        get: operations["audit_list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/certs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Certificates of hosts, of the server's own authority and of the admin.
         * @description The admin. Once the first set-up is complete.
         */
        get: operations["certificates_list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/certs/admin/auth-mode": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Whether the server ever had the admin's key.
         * @description The admin. Once the first set-up is complete.
         */
        get: operations["certificates_auth_mode"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/certs/admin/upgrade-to-hardware-bound": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Exchanges the admin's certificate for one of a key that the server never sees.
         * @description The admin. Once the first set-up is complete.
         */
        post: operations["certificates_upgrade_admin"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/certs/agent": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * All agents ever.
         * @description The admin. Once the first set-up is complete.
         */
        get: operations["agents_list"];
        put?: never;
        /**
         * Makes an agent with a key of the server's making.
         * @description The admin. Once the first set-up is complete.
         */
        post: operations["agents_create"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/certs/agent/enroll": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Makes a single-use token with which a machine becomes an agent.
         * @description The admin. Once the first set-up is complete.
         */
        post: operations["agents_create_enrollment"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/certs/agent/enroll/{label}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Voids the pending token of a label.
         * @description The admin. Once the first set-up is complete.
         */
        delete: operations["agents_cancel_enrollment"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/certs/agent/revoke-self": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Revokes the calling agent, which is about to be uninstalled.
         * @description An agent, about itself. Once the first set-up is complete.
         */
        post: operations["agents_revoke_self"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/certs/agent/upgrade-cert": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Exchanges the calling agent's certificate for one of a new key of its own.
         * @description An agent, about itself. Once the first set-up is complete.
         */
        post: operations["agents_upgrade"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/certs/agent/{label}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Revokes an agent.
         * @description The admin. Once the first set-up is complete.
         */
        delete: operations["agents_revoke"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/certs/agent/{label}/allowed-sites": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Changes which sites an agent may touch.
         * @description The admin. Once the first set-up is complete.
         */
        patch: operations["agents_set_allowed_sites"];
        trace?: never;
    };
    "/api/certs/agent/{label}/capabilities": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Changes what an agent may ask of the API.
         * @description The admin. Once the first set-up is complete.
         */
        patch: operations["agents_set_capabilities"];
        trace?: never;
    };
    "/api/certs/agent/{label}/download": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The file that carries an agent's certificate to its machine.
         * @description The admin. Once the first set-up is complete.
         */
        get: operations["agents_download_p12"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/certs/auto-renew-status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * When certificates are looked through for those to renew.
         * @description The admin. Once the first set-up is complete.
         */
        get: operations["renewal_status"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/certs/mtls/download": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The file that carries the admin's certificate to a browser.
         * @description The admin. Once the first set-up is complete.
         */
        get: operations["certificates_download_admin"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/certs/mtls/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Makes a new admin certificate; the old one dies five minutes after its first use.
         * @description The admin. Once the first set-up is complete.
         */
        post: operations["certificates_rotate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/certs/{domain}/renew": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Gets a host a new certificate, due or not.
         * @description The admin. Once the first set-up is complete.
         */
        post: operations["renewal_renew"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/enroll": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Turns a token and a certificate request into an agent's certificate.
         * @description Needs no certificate.
         */
        post: operations["agents_enroll"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * That the server answers, and its version.
         * @description Needs no certificate.
         */
        get: operations["server_health"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/invitations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * All invitations, in the order they were made.
         * @description The admin. Once the first set-up is complete.
         */
        get: operations["invitations_list"];
        put?: never;
        /**
         * Invites somebody to become a user; the link is shown once.
         * @description The admin. Once the first set-up is complete.
         */
        post: operations["invitations_create"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/invitations/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Removes an invitation; one that is open is void at once.
         * @description The admin. Once the first set-up is complete.
         */
        delete: operations["invitations_delete"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/invite/{token}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What an invitation is for. Looking changes nothing.
         * @description Needs no certificate.
         */
        get: operations["invitations_look"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/invite/{token}/accept": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Makes the user of an invitation.
         * @description Needs no certificate.
         */
        post: operations["invitations_accept"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/onboarding/acknowledge": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Says that the admin has them, so that the server forgets them.
         * @description The admin.
         */
        post: operations["onboarding_acknowledge"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/onboarding/domain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Chooses the base domain.
         * @description The admin. Until the first set-up is complete.
         */
        post: operations["onboarding_set_domain"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/onboarding/provision": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Begins the run that puts the server in service, or takes up one that failed.
         * @description The admin. Until the first set-up is complete.
         */
        post: operations["onboarding_provision"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/onboarding/provision/stream": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Where that run stands, as it goes on.
         * @description The admin. Until the first set-up is complete.
         */
        get: operations["onboarding_stream"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/onboarding/result": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The first account's password and one-time code, until they are acknowledged.
         * @description The admin.
         */
        get: operations["onboarding_result"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/onboarding/status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * How far the first set-up has come.
         * @description Any live certificate.
         */
        get: operations["onboarding_status"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/onboarding/verify-dns": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Looks whether the domain leads to this server.
         * @description The admin. Until the first set-up is complete.
         */
        post: operations["onboarding_verify_dns"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * This document.
         * @description Any live certificate.
         */
        get: operations["server_openapi"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/services": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The server's own parts and the machine's units.
         * @description The admin, or an agent with `services:read`. Once the first set-up is complete.
         */
        get: operations["services_list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/services/{name}/logs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The last lines of a service's log, and those that follow.
         * @description The admin. Once the first set-up is complete.
         */
        get: operations["services_logs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/services/{name}/{action}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Tells a service what to do.
         * @description The admin, or an agent with `services:write`. Once the first set-up is complete.
         */
        post: operations["services_act"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/settings/2fa": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Whether the panel asks the admin for a one-time code.
         * @description The admin, also without a two-factor session. Once the first set-up is complete.
         */
        get: operations["two_factor_status"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/settings/2fa/confirm": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Turns two-factor sign-in on with a code of that seed, and signs in.
         * @description The admin. Once the first set-up is complete.
         */
        post: operations["two_factor_confirm"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/settings/2fa/disable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Turns two-factor sign-in off with a code, and ends every session.
         * @description The admin. Once the first set-up is complete.
         */
        post: operations["two_factor_disable"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/settings/2fa/setup": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Makes a seed that waits for its confirmation.
         * @description The admin. Once the first set-up is complete.
         */
        post: operations["two_factor_setup"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/settings/2fa/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Signs in with a code.
         * @description The admin, also without a two-factor session. Once the first set-up is complete.
         */
        post: operations["two_factor_verify"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/sites": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The static sites that the caller may touch, the newest first.
         * @description The admin, or an agent with `sites:read`. Once the first set-up is complete.
         */
        get: operations["sites_list"];
        put?: never;
        /**
         * Makes a static site.
         * @description The admin. Once the first set-up is complete.
         */
        post: operations["sites_create"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/sites/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Deletes a site with its files.
         * @description The admin. Once the first set-up is complete.
         */
        delete: operations["sites_delete"];
        options?: never;
        head?: never;
        /**
         * Changes a site.
         * @description The admin. Once the first set-up is complete.
         */
        patch: operations["sites_change"];
        trace?: never;
    };
    "/api/sites/{id}/files": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What lies in a folder of a site.
         * @description The admin, or an agent with `sites:read`. Once the first set-up is complete.
         */
        get: operations["sites_list_files"];
        put?: never;
        /**
         * Saves files in a folder of a site; needs the header `x-portlama-upload: 1`.
         * @description The admin, or an agent with `sites:write`. Once the first set-up is complete.
         */
        post: operations["sites_upload"];
        /**
         * Deletes a file or folder of a site; what is not there counts as deleted.
         * @description The admin, or an agent with `sites:write`. Once the first set-up is complete.
         */
        delete: operations["sites_delete_files"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/sites/{id}/verify-dns": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Looks whether the name of a site leads here, and serves the site when it does.
         * @description The admin. Once the first set-up is complete.
         */
        post: operations["sites_verify_dns"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/system/stats": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What the machine has, and what of it is in use.
         * @description The admin, or an agent with `system:read`. Once the first set-up is complete.
         */
        get: operations["system_stats"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/system/update": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Which version serves, and how the last change of it ended.
         * @description The admin. Once the first set-up is complete.
         */
        get: operations["system_version"];
        put?: never;
        /**
         * Fetches a newer version of the program, verifies it and has it put in place of the running one; answers when that is ordered. The health of the server says which version serves then.
         * @description The admin. Once the first set-up is complete.
         */
        post: operations["system_update"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/tunnels": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * All tunnels, the newest first.
         * @description The admin, or an agent with `tunnels:read`. Once the first set-up is complete.
         */
        get: operations["tunnels_list"];
        put?: never;
        /**
         * Makes a tunnel.
         * @description The admin, or an agent with `tunnels:write`. Once the first set-up is complete.
         */
        post: operations["tunnels_create"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/tunnels/agent-config": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What the caller's agent serves.
         * @description The admin, or an agent with `tunnels:read`. Once the first set-up is complete.
         */
        get: operations["tunnels_agent_config"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/tunnels/agent-panel-status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * How the panel of the caller's agent stands.
         * @description The admin, or an agent with `panel:expose`. Once the first set-up is complete.
         */
        get: operations["agent_panel_status"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/tunnels/expose-panel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Serves the panel of the caller's agent, behind client certificates.
         * @description The admin, or an agent with `panel:expose`. Once the first set-up is complete.
         */
        post: operations["agent_panel_expose"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/tunnels/mac-plist": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The launchd job that keeps the agent of a Mac connected.
         * @description The admin, or an agent with `tunnels:read`. Once the first set-up is complete.
         */
        get: operations["agent_panel_mac_plist"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/tunnels/retract-panel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Takes the panel of the caller's agent out of service.
         * @description The admin, or an agent with `panel:expose`. Once the first set-up is complete.
         */
        delete: operations["agent_panel_retract"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/tunnels/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Deletes a tunnel.
         * @description The admin, or an agent with `tunnels:write`. Once the first set-up is complete.
         */
        delete: operations["tunnels_delete"];
        options?: never;
        head?: never;
        /**
         * Changes a tunnel.
         * @description The admin, or an agent with `tunnels:write`. Once the first set-up is complete.
         */
        patch: operations["tunnels_change"];
        trace?: never;
    };
    "/api/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * All users, by name.
         * @description The admin. Once the first set-up is complete.
         */
        get: operations["users_list"];
        put?: never;
        /**
         * Makes a user.
         * @description The admin. Once the first set-up is complete.
         */
        post: operations["users_create"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/users/{username}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Changes a user.
         * @description The admin. Once the first set-up is complete.
         */
        put: operations["users_change"];
        post?: never;
        /**
         * Deletes a user.
         * @description The admin. Once the first set-up is complete.
         */
        delete: operations["users_delete"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/users/{username}/reset-totp": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Gives a user a new TOTP seed; the old one dies.
         * @description The admin. Once the first set-up is complete.
         */
        post: operations["users_reset_totp"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description `POST /api/invite/{token}/accept`. */
        AcceptInvitation: {
            /** @description 8 characters to 72 bytes. */
            password: components["schemas"]["Password"];
        };
        /**
         * @description Who may visit. Nobody passes `restricted` until grants exist.
         * @enum {string}
         */
        AccessMode: "public" | "authenticated" | "restricted";
        /** @description `GET /api/certs/admin/auth-mode`. */
        AdminAuth: {
            /** @description `p12`: the server made the admin's key. `hardware-bound`: it never saw it. */
            adminAuthMode: components["schemas"]["AdminAuthMode"];
        };
        /**
         * @description Who made the admin's key: the server (`p12`) or the admin's own machine.
         * @enum {string}
         */
        AdminAuthMode: "p12" | "hardware-bound";
        /** @description The admin's new certificate. */
        AdminRotated: {
            /** @description When it ends. */
            expiresAt: components["schemas"]["Time"];
            /** @description `true`. */
            ok: boolean;
            /**
             * Format: byte
             * @description Key and certificate as PKCS#12, in base64. The same file is at
             *     `GET /api/certs/mtls/download`.
             */
            p12: string;
            /** @description The file's password, 32 hexadecimal digits; shown once. */
            p12Password: components["schemas"]["P12Password"];
            /** @description The certificate's serial. */
            serial: components["schemas"]["Serial"];
            /** @description What becomes of the old certificate, for people. */
            warning: string;
        };
        /** @description `POST /api/certs/mtls/rotate`; the body may be left out. */
        AdminRotation: {
            /**
             * @description Ends the present certificate with the answer, as it is in wrong hands. Otherwise it ends
             *     five minutes after the first use of the new one.
             */
            revokeNow: boolean;
        };
        /** @description An agent, live or revoked. */
        Agent: {
            /** @description Names of the sites it may touch. */
            allowedSites: string[];
            /** @description What it may ask of the API. */
            capabilities: components["schemas"]["Capability"][];
            /** @description Whether its tunnel connection stands. */
            connected?: boolean;
            connectedSince?: components["schemas"]["Time"] | null;
            /** @description When it was enrolled. */
            createdAt: components["schemas"]["Time"];
            /** @description How its certificate came to be. */
            enrollmentMethod: components["schemas"]["EnrollmentMethod"];
            /** @description When its certificate ends. */
            expiresAt: components["schemas"]["Time"];
            /** @description Live, and its certificate ends within 30 days. */
            expiringSoon: boolean;
            /** @description Its name; several entries may share it, at most one of them live. */
            label: components["schemas"]["AgentLabel"];
            /** @description Whether it was revoked. */
            revoked: boolean;
            revokedAt?: components["schemas"]["Time"] | null;
            secondInstanceRefusedAt?: components["schemas"]["Time"] | null;
            /** @description Its certificate's serial. */
            serial: components["schemas"]["Serial"];
            /** @description The version it says it runs; of the last connection since the server started. */
            version?: string | null;
        };
        /** @description The rights of an agent afterwards. */
        AgentCapabilities: {
            /** @description Its rights. */
            capabilities: components["schemas"]["Capability"][];
            /** @description The agent. */
            label: components["schemas"]["AgentLabel"];
            /** @description `true`. */
            ok: boolean;
        };
        /** @description `GET /api/tunnels/agent-config`: what an agent needs to serve. */
        AgentConfig: {
            /** @description Always empty: the native tunnel needs no command line. */
            chiselArgs: string[];
            /**
             * @description The address of the tunnel server as a URL, for clients that know this member.
             * @example https://tunnel.lab.example.org:443
             */
            chiselServerUrl: string;
            /** @description The base domain. */
            domain: components["schemas"]["Domain"];
            /** @description Where the agent connects. */
            tunnelServer: components["schemas"]["TunnelServer"];
            /** @description The enabled tunnels of the agent that asks. */
            tunnels: components["schemas"]["AgentTunnel"][];
        };
        /**
         * @description The label of an agent.
         * @example attic-nas
         */
        AgentLabel: string;
        /** @description `GET /api/certs/agent`. */
        AgentList: {
            /** @description All agents ever. */
            agents: components["schemas"]["Agent"][];
        };
        /**
         * @description An agent whose key the server made; its file is at
         *     `GET /api/certs/agent/{label}/download`.
         */
        AgentP12: {
            /** @description When it ends. */
            expiresAt: components["schemas"]["Time"];
            /** @description The agent. */
            label: components["schemas"]["AgentLabel"];
            /** @description `true`. */
            ok: boolean;
            /** @description The password of its P12 file, 32 hexadecimal digits; shown once and stored nowhere. */
            p12Password: components["schemas"]["P12Password"];
            /** @description The certificate's serial. */
            serial: components["schemas"]["Serial"];
        };
        /** @description `GET /api/tunnels/agent-panel-status`: the caller's own; the admin has none. */
        AgentPanelStatus: {
            /** @description Whether it is exposed and switched on. */
            enabled: boolean;
            fqdn?: components["schemas"]["Hostname"] | null;
            port?: components["schemas"]["TunnelPort"] | null;
        };
        /** @description `DELETE /api/certs/agent/{label}` and `POST /api/certs/agent/revoke-self`. */
        AgentRevoked: {
            /** @description The agent that was. */
            label: components["schemas"]["AgentLabel"];
            /** @description `true`. */
            ok: boolean;
        };
        /** @description The sites of an agent afterwards. */
        AgentSites: {
            /** @description Names of the sites it may touch. */
            allowedSites: string[];
            /** @description The agent. */
            label: components["schemas"]["AgentLabel"];
            /** @description `true`. */
            ok: boolean;
        };
        /** @description A tunnel as its agent sees it. */
        AgentTunnel: {
            /** @description The whole host name. */
            fqdn: components["schemas"]["Hostname"];
            /** @description Which `Host` the service sees. */
            hostHeader?: components["schemas"]["HostHeader"];
            /**
             * Format: uuid
             * @description Stable id.
             */
            id: string;
            /** @description How to speak to the service. */
            originScheme?: components["schemas"]["OriginScheme"];
            /** @description Whether to check the certificate of an https service. */
            originTlsVerify?: boolean;
            /** @description The port the server will ask for. */
            port: components["schemas"]["TunnelPort"];
            /** @description The label below the base domain. */
            subdomain: components["schemas"]["Subdomain"];
        };
        /** @description `PATCH /api/certs/agent/{label}/allowed-sites`. */
        AllowedSitesChange: {
            /** @description Replaces the list. The sites need not exist. */
            allowedSites: components["schemas"]["SiteName"][];
        };
        /** @description A change that was made. */
        AuditEntry: {
            /**
             * @description What was done.
             * @example tunnel.create
             */
            action: string;
            after?: components["schemas"]["AuditedThing"] | null;
            /** @description When. */
            at: components["schemas"]["Time"];
            before?: components["schemas"]["AuditedThing"] | null;
            /**
             * Format: int64
             * @description Grows with every change.
             */
            id: number;
            /**
             * @description Who: `admin`, `agent:<label>`, `user:<name>`, `server` where the server acted by itself, and
             *     `local` for whoever worked on the state directory.
             * @example admin
             */
            identity: string;
            /**
             * @description To what.
             * @example wiki.lab.example.org
             */
            target: string;
        };
        /** @description `GET /api/audit`. */
        AuditPage: {
            /** @description The newest first. */
            entries: components["schemas"]["AuditEntry"][];
            /**
             * Format: int64
             * @description `before` of the next page; null when this is the last one.
             */
            next?: number | null;
        };
        /**
         * @description What the log keeps of a thing: the members that the change was about, under the names that
         *     they had at the time. Never a secret.
         */
        AuditedThing: {
            [key: string]: components["schemas"]["Json"];
        };
        /** @description `GET /api/certs/auto-renew-status`. */
        AutoRenewStatus: {
            /** @description Whether certificates are renewed by themselves: always. */
            active: boolean;
            lastRun?: components["schemas"]["Time"] | null;
            nextRun?: components["schemas"]["Time"] | null;
        };
        /**
         * @description What an agent may ask of the API.
         * @enum {string}
         */
        Capability: "tunnels:read" | "tunnels:write" | "services:read" | "services:write" | "system:read" | "sites:read" | "sites:write" | "panel:expose" | "identity:read" | "identity:query";
        /** @description `PATCH /api/certs/agent/{label}/capabilities`. */
        CapabilityChange: {
            /** @description Replaces the list. A missing `tunnels:read` is put back at the front. */
            capabilities: components["schemas"]["Capability"][];
        };
        /** @description A certificate that the server keeps. */
        Certificate: {
            /**
             * Format: int32
             * @description Of a host's certificate: how many validations of the name may still fail within the hour
             *     before the authority must be left alone.
             */
            attemptsLeft?: number | null;
            /**
             * Format: int64
             * @description Whole days until then, rounded down; negative afterwards.
             */
            daysUntilExpiry?: number | null;
            /** @description The host it speaks for; null for `mtls-ca` and `mtls-client`. */
            domain?: string | null;
            expiresAt?: components["schemas"]["Time"] | null;
            /** @description At most 30 days are left. */
            expiringSoon: boolean;
            failure?: components["schemas"]["CertificateFailure"] | null;
            /** @description The file at the server. */
            path: string;
            status?: components["schemas"]["CertificateStatus"] | null;
            /** @description What it is for. */
            type: components["schemas"]["CertificateType"];
        };
        /** @description Why there is no new certificate. */
        CertificateFailure: {
            /** @description What went wrong: the authority's own words where it spoke. */
            message: string;
            /** @description When the next attempt is made. */
            nextTry: components["schemas"]["Time"];
            /** @description Since when it has been failing. */
            since: components["schemas"]["Time"];
        };
        /** @description `GET /api/certs`. */
        CertificateList: {
            /** @description The first to end first. */
            certs: components["schemas"]["Certificate"][];
        };
        /**
         * @description A certificate in PEM.
         * @example -----BEGIN CERTIFICATE-----
         *     MII…
         *     -----END CERTIFICATE-----
         */
        CertificatePem: string;
        /**
         * @description What is wrong with a certificate.
         * @enum {string}
         */
        CertificateProblem: "missing" | "untrusted" | "not_yet_valid" | "expired" | "revoked" | "nobody";
        /** @description `POST /api/certs/{domain}/renew`. */
        CertificateRenewed: {
            /** @description The host. */
            domain: string;
            newExpiry?: components["schemas"]["Time"] | null;
            /** @description `true`. */
            ok: boolean;
            /** @description What is not as it should be, for people. */
            warning?: string | null;
        };
        /**
         * @description A request for a certificate by whoever holds one: `POST
         *     /api/certs/admin/upgrade-to-hardware-bound` and `POST /api/certs/agent/upgrade-cert`.
         */
        CertificateRequest: {
            /** @description A PKCS#10 request in PEM; nothing but its public key counts, and that must be new. */
            csr: components["schemas"]["Csr"];
        };
        /** @description A certificate for a key of the caller's own. This answer is its only copy. */
        CertificateSigned: {
            /** @description The authority's certificate, PEM. */
            caCert: components["schemas"]["CertificatePem"];
            /** @description The certificate, PEM. */
            cert: components["schemas"]["CertificatePem"];
            /** @description When it ends. */
            expiresAt: components["schemas"]["Time"];
            /** @description `true`. */
            ok: boolean;
            /** @description The certificate's serial. */
            serial: components["schemas"]["Serial"];
        };
        /**
         * @description How a host's certificate is doing.
         * @enum {string}
         */
        CertificateStatus: "good" | "failing" | "expired" | "pending";
        /**
         * @description What a certificate is for, and who issued it.
         * @enum {string}
         */
        CertificateType: "letsencrypt" | "internal" | "mtls-ca" | "mtls-client";
        /** @description The processor. */
        CpuStats: {
            /** @description Cores. */
            cores: number;
            /**
             * Format: double
             * @description Percent of all cores together that were busy, with one decimal.
             * @example 12.5
             */
            usage: number;
        };
        /**
         * @description A PKCS#10 request in PEM. Its self-signature must verify; nothing but its key counts.
         * @example -----BEGIN CERTIFICATE REQUEST-----
         *     MIH…
         *     -----END CERTIFICATE REQUEST-----
         */
        Csr: string;
        /**
         * @description A host name of the owner's: in any case, with or without a trailing dot, with letters of any language.
         * @example www.example.net
         */
        CustomDomain: string;
        /**
         * @description A note: one line.
         * @example The wiki of the attic
         */
        Description: string;
        /**
         * @description The name under which somebody is shown: one line.
         * @example Mira Müller
         */
        DisplayName: string;
        /** @description `POST /api/onboarding/verify-dns`. */
        DnsCheck: {
            /** @description The domain. */
            domain: components["schemas"]["Domain"];
            /** @description The server's public address. */
            expectedIp: components["schemas"]["IpAddress"];
            /** @description What is so and what to do about it. */
            message: string;
            /** @description The three names that Portlama itself needs. */
            names: components["schemas"]["NameCheck"][];
            /** @description Whether the domain leads to this server and nowhere else by IPv6. */
            ok: boolean;
            /** @description What the domain resolves to. */
            resolvedIps: components["schemas"]["IpAddress"][];
            /** @description What each resolver says. */
            resolvers: components["schemas"]["ResolverCheck"][];
            /** @description Whether every name below the domain leads here, so that apps need no records of their own. */
            wildcardOk: boolean;
            /** @description What a name below it that has no record of its own resolves to. */
            wildcardResolvedIps: components["schemas"]["IpAddress"][];
        };
        /**
         * @description The base domain; its last label has letters only.
         * @example lab.example.org
         */
        Domain: string;
        /** @description The domain that was chosen. */
        DomainAnswer: {
            /** @description The domain as it is kept. */
            domain: components["schemas"]["Domain"];
            /** @description The address for the certificate authority. */
            email: components["schemas"]["Email"];
            /** @description `true`. */
            ok: boolean;
        };
        /** @description An answer with nothing to say but that it was done. */
        Done: {
            /** @description `true`. */
            ok: boolean;
        };
        /**
         * @description An e-mail address in ASCII, without quotes.
         * @example mira@example.org
         */
        Email: string;
        /** @description `POST /api/enroll`, which needs no certificate. */
        EnrollRequest: {
            /** @description A PKCS#10 request in PEM; nothing but its public key counts. */
            csr: components["schemas"]["Csr"];
            /** @description The enrolment token. */
            token: components["schemas"]["Token64"];
        };
        /** @description An agent's new certificate. */
        Enrolled: {
            /** @description The authority's certificate, PEM. */
            caCert: components["schemas"]["CertificatePem"];
            /** @description The certificate, PEM. */
            cert: components["schemas"]["CertificatePem"];
            /** @description When it ends. */
            expiresAt: components["schemas"]["Time"];
            /** @description The agent's name. */
            label: components["schemas"]["AgentLabel"];
            /** @description `true`. */
            ok: boolean;
            /** @description The certificate's serial. */
            serial: components["schemas"]["Serial"];
        };
        /** @description A single-use token for one agent, shown once. */
        Enrollment: {
            /** @description When the token ends. */
            expiresAt: components["schemas"]["Time"];
            /** @description The name of the agent to be. */
            label: components["schemas"]["AgentLabel"];
            /** @description `true`. */
            ok: boolean;
            /** @description `ptl1.<token>.<CA fingerprint>`: token and pin in one. */
            setupToken: components["schemas"]["SetupToken"];
            /** @description 64 hexadecimal digits. */
            token: components["schemas"]["Token64"];
        };
        /** @description `DELETE /api/certs/agent/enroll/{label}`. */
        EnrollmentCancelled: {
            /** @description `true`. */
            ok: boolean;
            /** @description Whether there was a token to take back. */
            revoked: boolean;
        };
        /**
         * @description How an agent's certificate came to be.
         * @enum {string}
         */
        EnrollmentMethod: "p12" | "hardware-bound" | "delegated";
        /** @description The body of every answer with a status of 400 or more. */
        ErrorBody: {
            /** @description More, for programs and people. */
            details?: components["schemas"]["ErrorDetails"];
            /**
             * @description A sentence for a person. Some are fixed, and clients match on them.
             * @example Validation failed
             */
            error: string;
            /** @description How far the first set-up has come, where that is in the way. */
            onboardingStatus?: components["schemas"]["OnboardingStatus"];
            /**
             * Format: int64
             * @description After how many seconds wrong codes are counted anew.
             */
            retryAfter?: number;
            /** @description What is there already. */
            tunnel?: components["schemas"]["Tunnel"];
        };
        /** @description A sentence or its parts. */
        ErrorDetails: string | components["schemas"]["ErrorMembers"];
        /** @description What is wrong, and the way out. */
        ErrorMembers: {
            /** @description What is wrong with the client's certificate; no other request will fare better. */
            certificate?: components["schemas"]["CertificateProblem"];
            /** @description The role that asked. */
            current?: components["schemas"]["Role"];
            /** @description The capabilities of the agent that asked. */
            granted?: components["schemas"]["Capability"][];
            /** @description The way out, in a sentence. */
            hint?: string;
            /** @description Everything that is wrong with the body, the path or the query. */
            issues?: components["schemas"]["Issue"][];
            /** @description The roles that may, or the capability that is missing. */
            required?: components["schemas"]["Required"];
        };
        /** @description `POST /api/tunnels/expose-panel`. */
        ExposePanel: {
            /** @description The local port of the agent on which its panel answers. */
            port: components["schemas"]["TunnelPort"];
        };
        /**
         * @description A group of users; neither commas nor outer spaces.
         * @example staff
         */
        Group: string;
        /** @description `GET /api/health`. */
        Health: {
            /**
             * @description `ok`.
             * @example ok
             */
            status: string;
            /**
             * @description The server's version.
             * @example 0.1.0
             */
            version: string;
        };
        /**
         * @description Which `Host` the service sees.
         * @enum {string}
         */
        HostHeader: "public" | "local";
        /**
         * @description A whole host name in lower case, without a trailing dot.
         * @example wiki.lab.example.org
         */
        Hostname: string;
        /** @description An invitation. The token is never listed. */
        Invitation: {
            acceptedAt?: components["schemas"]["Time"] | null;
            /** @description When it was made. */
            createdAt: components["schemas"]["Time"];
            /** @description Where to reach them. */
            email: components["schemas"]["Email"];
            /** @description When it ends. */
            expiresAt: components["schemas"]["Time"];
            /** @description Their groups. */
            groups: components["schemas"]["Group"][];
            /**
             * Format: uuid
             * @description Its id.
             */
            id: string;
            /** @description What became of it. */
            status: components["schemas"]["InvitationStatus"];
            /** @description Whether somebody became the user. */
            used: boolean;
            /** @description The user to be. */
            username: components["schemas"]["Username"];
        };
        /** @description A guest who became a user. The seed is shown once. */
        InvitationAccepted: {
            /** @description Where they sign in; absent without a domain. */
            loginUrl?: string | null;
            /** @description `true`. */
            ok: boolean;
            totpUri?: components["schemas"]["TotpUri"] | null;
            /** @description The new user. */
            username: components["schemas"]["Username"];
        };
        /** @description A new invitation with its link, shown once. */
        InvitationAnswer: {
            /** @description The record. */
            invitation: components["schemas"]["InvitationMade"];
            /**
             * @description What the guest opens; absent without a domain.
             * @example https://auth.lab.example.org/invite/4b1d…
             */
            inviteUrl?: string | null;
            /** @description `true`. */
            ok: boolean;
            /** @description What the link ends in: 64 hexadecimal digits. */
            token: components["schemas"]["Token64"];
        };
        /** @description `GET /api/invitations`. */
        InvitationList: {
            /** @description In the order they were made. */
            invitations: components["schemas"]["Invitation"][];
        };
        /** @description What a new invitation is, without what became of it. */
        InvitationMade: {
            /** @description When it was made. */
            createdAt: components["schemas"]["Time"];
            /** @description Where to reach them. */
            email: components["schemas"]["Email"];
            /** @description When it ends. */
            expiresAt: components["schemas"]["Time"];
            /** @description Their groups. */
            groups: components["schemas"]["Group"][];
            /**
             * Format: uuid
             * @description Its id.
             */
            id: string;
            /** @description The user to be. */
            username: components["schemas"]["Username"];
        };
        /**
         * @description What became of an invitation.
         * @enum {string}
         */
        InvitationStatus: "pending" | "accepted" | "expired";
        /**
         * @description An IPv4 or IPv6 address.
         * @example 192.0.2.10
         */
        IpAddress: string;
        /** @description What is wrong with one field of a body. */
        Issue: {
            /** @description What is wrong, such as `must be a string`. */
            message: string;
            /** @description The way to the field from the top; empty for the body itself. */
            path: components["schemas"]["PathSegment"][];
        };
        /** @description Any JSON value, where the shape is another's to say. */
        Json: unknown;
        /** @description A text frame of `GET /api/services/{name}/logs`. */
        LogFrame: {
            /**
             * Format: int64
             * @description This is no line: so many lines were dropped here, because the client read too slowly.
             */
            dropped?: number | null;
            level?: components["schemas"]["LogLevel"] | null;
            /** @description One line of text without control characters. */
            message: string;
            /**
             * @description When the line was written; empty where its source does not say.
             * @example 2027-02-03T08:15:00.000Z
             */
            timestamp: string;
        };
        /**
         * @description How much a line matters.
         * @enum {string}
         */
        LogLevel: "debug" | "info" | "warn" | "error";
        /** @description `GET /api/tunnels/mac-plist?format=json`. */
        MacPlist: {
            /** @description What to do with it. */
            instructions: components["schemas"]["PlistInstructions"];
            /** @description A launchd job, XML. */
            plist: string;
        };
        /** @description One of the names that Portlama itself needs. */
        NameCheck: {
            /** @description What is so and what to do about it. */
            message: string;
            /** @description The name. */
            name: components["schemas"]["Hostname"];
            /** @description Whether it leads here. */
            ok: boolean;
        };
        /** @description `POST /api/onboarding/domain`. */
        NewDomain: {
            /**
             * @description The base domain: in any case, with or without the trailing dot, in letters of any
             *     language. It is kept in lower case and in its ASCII form.
             */
            domain: components["schemas"]["TypedDomain"];
            /** @description Where the certificate authority may write to. */
            email: components["schemas"]["Email"];
        };
        /** @description `POST /api/certs/agent` and `POST /api/certs/agent/enroll`. */
        NewEnrollment: {
            /**
             * @description Names of the sites it will be allowed to touch.
             * @default []
             */
            allowedSites?: components["schemas"]["SiteName"][];
            /**
             * @description What it will be allowed; holds `tunnels:read`.
             * @default [
             *       "tunnels:read"
             *     ]
             */
            capabilities?: components["schemas"]["Capability"][];
            /** @description The name of the agent to be. */
            label: components["schemas"]["AgentLabel"];
        };
        /** @description `POST /api/invitations`. */
        NewInvitation: {
            /** @description Where to reach them. */
            email: components["schemas"]["Email"];
            /**
             * Format: int32
             * @description How long it holds, days.
             * @default 7
             */
            expiresInDays?: number;
            /**
             * @description Their groups.
             * @default []
             */
            groups?: components["schemas"]["Group"][];
            /** @description The user to be. */
            username: components["schemas"]["Username"];
        };
        /** @description `POST /api/sites`. */
        NewSite: {
            /**
             * @description Whether visitors must sign in.
             * @default false
             */
            autheliaProtected?: boolean;
            /**
             * @description The host name of a `custom` site: in any case, with or without a trailing dot, and with
             *     letters of any language, which are kept in their ASCII form (`xn--…`).
             */
            customDomain?: components["schemas"]["CustomDomain"];
            /**
             * @description Unique among sites; the label below the base domain of a managed one, so at most 63
             *     characters there.
             */
            name: components["schemas"]["SiteName"];
            /**
             * @description Whether unknown paths answer with `index.html`.
             * @default false
             */
            spaMode?: boolean;
            /** @description `managed` or `custom`. */
            type: components["schemas"]["SiteType"];
        };
        /** @description `POST /api/tunnels`. Absent members take the server's defaults. */
        NewTunnel: {
            /**
             * @description Who may visit; `authenticated` when absent.
             * @default authenticated
             */
            accessMode?: components["schemas"]["AccessMode"];
            /**
             * @description The agent that serves it. An agent's own when it asks; needed from the admin only when
             *     there are several.
             */
            agentLabel?: components["schemas"]["AgentLabel"];
            /**
             * @description Whether other websites may make a signed-in visitor's browser change things there.
             * @default false
             */
            allowCrossSite?: boolean;
            description?: components["schemas"]["Description"] | null;
            /**
             * @description Which `Host` the service sees.
             * @default public
             */
            hostHeader?: components["schemas"]["HostHeader"];
            /**
             * @description How the agent speaks to the service.
             * @default http
             */
            originScheme?: components["schemas"]["OriginScheme"];
            /**
             * @description Whether the agent checks the certificate of an https service.
             * @default true
             */
            originTlsVerify?: boolean;
            /** @description The port as the agent knows it. */
            port: components["schemas"]["TunnelPort"];
            /** @description The label below the base domain. */
            subdomain: components["schemas"]["Subdomain"];
            /**
             * @description `app` or `panel`.
             * @default app
             */
            type?: components["schemas"]["NewTunnelType"];
        };
        /**
         * @description What kind of service the tunnel leads to.
         * @enum {string}
         */
        NewTunnelType: "app" | "panel";
        /** @description `POST /api/users`. */
        NewUser: {
            /** @description The name shown. */
            displayname: components["schemas"]["DisplayName"];
            /** @description Where to reach them. */
            email: components["schemas"]["Email"];
            /**
             * @description Told to apps as `Remote-Groups`.
             * @default []
             */
            groups?: components["schemas"]["Group"][];
            /** @description 8 characters to 72 bytes. */
            password: components["schemas"]["Password"];
            /** @description The name to sign in with. */
            username: components["schemas"]["Username"];
        };
        /** @description `GET /api/onboarding/status`. */
        OnboardingState: {
            domain?: components["schemas"]["Domain"] | null;
            error?: components["schemas"]["ProvisionError"] | null;
            /**
             * Format: int32
             * @description The port at which visitors reach every host below the domain: `https://<host>:<port>`,
             *     which browsers shorten when it is 443.
             * @example 443
             */
            httpsPort: number;
            /** @description The server's public address. */
            ip: components["schemas"]["IpAddress"];
            /**
             * Format: int32
             * @description The port at which the panel is open without a domain: `https://<ip>:<port>`.
             * @example 9292
             */
            panelPort: number;
            resultUntil?: components["schemas"]["Time"] | null;
            /** @description The step reached. */
            status: components["schemas"]["OnboardingStatus"];
        };
        /**
         * @description How far the first set-up has come.
         * @enum {string}
         */
        OnboardingStatus: "FRESH" | "DOMAIN_SET" | "DNS_READY" | "PROVISIONING" | "COMPLETED";
        /** @description The OpenAPI document itself, in outline; the whole schema is the OpenAPI Initiative's. */
        OpenApiDocument: {
            /** @description What the operations refer to. */
            components: {
                [key: string]: components["schemas"]["Json"];
            };
            /** @description What it is about. */
            info: {
                [key: string]: components["schemas"]["Json"];
            };
            /** @description The version of OpenAPI. */
            openapi: string;
            /** @description The operations, by path and method. */
            paths: {
                [key: string]: components["schemas"]["Json"];
            };
            /** @description How callers show who they are, where an operation does not say otherwise. */
            security: {
                [key: string]: string[];
            }[];
        };
        /** @description `GET /api/invite/{token}`. */
        OpenInvitation: {
            /** @description Where they were invited. */
            email: components["schemas"]["Email"];
            /** @description Until when it can be accepted. */
            expiresAt: components["schemas"]["Time"];
            /** @description The user to be. */
            username: components["schemas"]["Username"];
        };
        /**
         * @description How the agent speaks to the service.
         * @enum {string}
         */
        OriginScheme: "http" | "https";
        /** @description `POST /api/certs/agent/revoke-self`. */
        OwnRevocation: {
            /** @description The calling agent's own label, so that nobody ends another's agent by a mix-up of files. */
            label: components["schemas"]["AgentLabel"];
        };
        /**
         * @description The password of a PKCS#12 file; shown once.
         * @example 4b1d0f6ec2a97d358ef0b14a6c7d29e0
         */
        P12Password: string;
        /**
         * Format: password
         * @description 8 characters to 72 octets.
         */
        Password: string;
        /**
         * @description A label as paths may have it: those of other versions are well-formed, too.
         * @example attic-nas
         */
        PathLabel: string;
        /** @description A step of the way to a field. */
        PathSegment: string | number;
        /** @description What a person does with a launchd job. */
        PlistInstructions: {
            /** @description Where to put the file. */
            download: string;
            /** @description The command that starts it, and at each login. */
            install: string;
            /** @description The command that shows its output. */
            logs: string;
            /** @description What must be there first. */
            prerequisite: string;
            /** @description The command that shows how it does. */
            status: string;
            /** @description The command that ends and removes it. */
            uninstall: string;
        };
        /** @description This server's process. */
        ProcessStats: {
            /**
             * Format: int64
             * @description Octets of memory that it holds resident.
             */
            memory: number;
        };
        /** @description The set-up is complete. */
        ProvisionComplete: {
            /** @description That it is complete, for a person. */
            message: string;
            /** @description All of them. */
            progress: components["schemas"]["ProvisionProgress"];
            /** @description What the admin is told. */
            result: components["schemas"]["ProvisionResult"];
            /** @description `done`. */
            status: components["schemas"]["TaskStatus"];
            /** @description `complete`. */
            task: string;
        };
        /** @description What a run failed at. */
        ProvisionError: {
            /** @description Why; the certificate authority's own words where it was that. */
            message: string;
            /** @description The task's id. */
            task: string;
        };
        /** @description A text frame of `/api/onboarding/provision/stream`. */
        ProvisionFrame: components["schemas"]["ProvisionState"] | components["schemas"]["TaskProgress"] | components["schemas"]["TaskFailed"] | components["schemas"]["ProvisionComplete"];
        /** @description How far a run is. */
        ProvisionProgress: {
            /** @description Tasks that are done, and the one that runs. */
            current: number;
            /** @description All tasks. */
            total: number;
        };
        /** @description What the admin is told at the end: `GET /api/onboarding/result`, and the last frame. */
        ProvisionResult: {
            /** @description Its password; null once acknowledged, or ten minutes after the end. */
            adminPassword?: string | null;
            adminTotpUri?: components["schemas"]["TotpUri"] | null;
            /** @description The account for the sign-in portal. */
            adminUsername: components["schemas"]["Username"];
            /**
             * @description Where visitors sign in.
             * @example https://auth.lab.example.org
             */
            authUrl: string;
            /**
             * @description Where the panel is.
             * @example https://panel.lab.example.org
             */
            panelUrl: string;
        };
        /** @description `POST /api/onboarding/provision`. */
        ProvisionStarted: {
            /** @description Where to look on. */
            message: string;
            /** @description `true`. */
            ok: boolean;
        };
        /** @description Where things stand. */
        ProvisionState: {
            error?: components["schemas"]["ProvisionError"] | null;
            /** @description Whether a run is under way. */
            isRunning: boolean;
            result?: components["schemas"]["ProvisionResult"] | null;
            /** @description The tasks in order. */
            tasks: components["schemas"]["ProvisionTask"][];
            /** @description `state`. */
            type: string;
        };
        /** @description A task of the provisioning. */
        ProvisionTask: {
            /**
             * @description `install-chisel`, `install-authelia`, `issue-certs`, `configure-nginx`,
             *     `verify-services`, `finalize`.
             */
            id: string;
            /** @description Everything that happened, a line each. */
            log?: string | null;
            /** @description What happened last. */
            message?: string | null;
            /** @description How far it is. */
            status: components["schemas"]["TaskStatus"];
            /** @description What happens, for a person. */
            title: string;
        };
        /**
         * @description A version of Portlama.
         * @example 1.2.3
         */
        ReleaseVersion: string;
        /** @description Who would have been let in. */
        Required: components["schemas"]["Role"][] | components["schemas"]["Capability"];
        /** @description What one resolver says. */
        ResolverCheck: {
            /** @description The domain's IPv4 addresses. */
            a: components["schemas"]["IpAddress"][];
            /** @description Its IPv6 addresses. */
            aaaa: components["schemas"]["IpAddress"][];
            /**
             * @description The resolver.
             * @example 203.0.113.1:53
             */
            address: string;
            /** @description Why it gave no answer. */
            error?: string | null;
            /** @description The addresses of a name below it that has no record of its own. */
            wildcard: components["schemas"]["IpAddress"][];
        };
        /**
         * @description What a certificate makes of its holder.
         * @enum {string}
         */
        Role: "admin" | "agent";
        /**
         * @description The serial of a certificate: two upper-case hexadecimal digits an octet.
         * @example 0A1B
         */
        Serial: string;
        /**
         * @description A service: a part of the server (`edge`, `portal`, `tunnel`, `acme`), or a unit of a machine
         *     with systemd (`portlama-panel`, `ssh`, `fail2ban`, `systemd-timesyncd`).
         */
        Service: {
            /** @description What it can be told. */
            actions?: components["schemas"]["ServiceAction"][];
            /** @description Why it is so, where there is more to say. */
            detail?: string | null;
            /**
             * @description The name, as paths have it.
             * @example edge
             */
            name: string;
            /** @description How it is. */
            status: components["schemas"]["ServiceStatus"];
            /**
             * @description How long it has been active.
             * @example 3d 4h 10m
             */
            uptime?: string | null;
        };
        /**
         * @description What can be asked of a service.
         * @enum {string}
         */
        ServiceAction: "start" | "stop" | "restart" | "reload";
        /** @description `POST /api/services/{name}/{action}`. */
        ServiceDone: {
            /** @description What was done. */
            action: components["schemas"]["ServiceAction"];
            /**
             * @description The service.
             * @example edge
             */
            name: string;
            /** @description `true`. */
            ok: boolean;
        };
        /** @description `GET /api/services`. */
        ServiceList: {
            /** @description The server's own parts, then the units that the machine has. */
            services: components["schemas"]["Service"][];
        };
        /**
         * @description How a service is.
         * @enum {string}
         */
        ServiceStatus: "active" | "inactive" | "failed" | "unknown";
        /**
         * @description `ptl1.<token>.<fingerprint of the authority>`: token and pin in one.
         * @example ptl1.4b1d0f6ec2a97d358ef0b14a6c7d29e05f83a1b2c4d6e8f00112233445566778.9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
         */
        SetupToken: string;
        /** @description A static site. */
        Site: {
            /** @description Who may pass a protected site; empty means everybody who is signed in. */
            allowedUsers: components["schemas"]["Username"][];
            /** @description Whether visitors must sign in. */
            autheliaProtected: boolean;
            /** @description Whether it has a certificate at this moment. */
            certIssued: boolean;
            /** @description When it was made. */
            createdAt: components["schemas"]["Time"];
            /** @description Whether its name was seen to lead here. */
            dnsVerified: boolean;
            /** @description The whole host name. */
            fqdn: components["schemas"]["Hostname"];
            /**
             * Format: uuid
             * @description Stable id.
             */
            id: string;
            /** @description Unique among sites; the label below the base domain of managed ones. */
            name: components["schemas"]["SiteName"];
            /** @description The folder with its files at the server. */
            rootPath: string;
            /** @description Whether unknown paths answer with `index.html`. */
            spaMode: boolean;
            /**
             * Format: int64
             * @description Octets of its files.
             */
            totalSize: number;
            /** @description `managed` (below the base domain) or `custom`. */
            type: components["schemas"]["SiteType"];
        };
        /** @description The site that was made or changed. */
        SiteAnswer: {
            /** @description What is left to do, or that nothing changed. */
            message?: string | null;
            /** @description `true`. */
            ok: boolean;
            /** @description As it is afterwards. */
            site: components["schemas"]["Site"];
        };
        /** @description `PATCH /api/sites/{id}`. */
        SiteChange: {
            /**
             * @description Who may pass a protected site, in place of those before; empty means everybody who is
             *     signed in.
             */
            allowedUsers?: components["schemas"]["Username"][];
            /** @description Whether visitors must sign in. */
            autheliaProtected?: boolean;
            /** @description Whether unknown paths answer with `index.html`. */
            spaMode?: boolean;
        };
        /** @description `POST /api/sites/{id}/verify-dns`: 200 whatever DNS says. */
        SiteDns: {
            expectedIp?: components["schemas"]["IpAddress"] | null;
            fqdn?: components["schemas"]["Hostname"] | null;
            /** @description What was found, and what to do. */
            message: string;
            /** @description Whether the name leads here. */
            ok: boolean;
            /** @description The addresses it leads to. */
            resolvedIps?: components["schemas"]["IpAddress"][] | null;
        };
        /** @description A file or folder of a site. */
        SiteFile: {
            /** @description When it was last changed. */
            modifiedAt: components["schemas"]["Time"];
            /**
             * @description The last part of its path.
             * @example logo.svg
             */
            name: string;
            /**
             * @description Its path from the site's root on.
             * @example assets/img/logo.svg
             */
            relativePath: string;
            /**
             * @description The SHA-256 of a file's content, in hexadecimal digits: when the query asked for it. One that
             *     would take too long to compute is left out; it is there when the same is asked again.
             */
            sha256?: string | null;
            /**
             * Format: int64
             * @description Octets; 0 for folders.
             */
            size: number;
            /** @description A file or a folder. */
            type: components["schemas"]["SiteFileType"];
        };
        /** @description `DELETE /api/sites/{id}/files`. */
        SiteFileDeletion: {
            /** @description A file, or a folder with all that is in it; never the root. */
            path: components["schemas"]["SitePath"];
        };
        /**
         * @description A file or a folder.
         * @enum {string}
         */
        SiteFileType: "file" | "directory";
        /** @description `GET /api/sites/{id}/files`. */
        SiteFiles: {
            /** @description Folders first, then by name. */
            files: components["schemas"]["SiteFile"][];
            /**
             * @description The folder.
             * @example .
             */
            path: string;
            /** @description Whether the folder holds more than is listed. */
            truncated?: boolean;
        };
        /** @description `GET /api/sites`. */
        SiteList: {
            /** @description Newest first; for an agent those it was given. */
            sites: components["schemas"]["Site"][];
        };
        /**
         * @description The name of a static site; at most 63 characters for one below the base domain.
         * @example handbook
         */
        SiteName: string;
        /**
         * @description The path of a file or folder in a site, from its root on.
         * @example assets/img/logo.svg
         */
        SitePath: string;
        /**
         * @description Below the base domain (`managed`) or anywhere (`custom`).
         * @enum {string}
         */
        SiteType: "managed" | "custom";
        /** @description `POST /api/sites/{id}/files`. */
        SiteUpload: {
            /**
             * @description The paths of the files saved, in the order they came.
             * @example [
             *       "assets/img/logo.svg"
             *     ]
             */
            files: string[];
            /** @description `true`. */
            ok: boolean;
            /**
             * Format: int64
             * @description Octets of all its files, with a warning.
             */
            totalSize?: number | null;
            /** @description That the site is larger than it should be. */
            warning?: string | null;
        };
        /**
         * @description The label of a tunnel below the base domain.
         * @example wiki
         */
        Subdomain: string;
        /** @description `GET /api/system/stats`, at most two seconds old. */
        SystemStats: {
            /** @description The processor. */
            cpu: components["schemas"]["CpuStats"];
            /** @description The root file system. */
            disk: components["schemas"]["Usage"];
            /** @description The memory. */
            memory: components["schemas"]["Usage"];
            /** @description This server's process. */
            process: components["schemas"]["ProcessStats"];
            /**
             * Format: int64
             * @description Seconds since the machine started.
             */
            uptime: number;
        };
        /** @description A task failed. */
        TaskFailed: {
            /** @description Why. */
            error: string;
            /** @description That it failed, for a person. */
            message: string;
            /** @description How far the run came. */
            progress: components["schemas"]["ProvisionProgress"];
            /** @description `error`. */
            status: components["schemas"]["TaskStatus"];
            /** @description The task's id. */
            task: string;
        };
        /** @description A task went on. */
        TaskProgress: {
            /** @description Everything that happened, a line each. */
            log?: string | null;
            /** @description What happened last. */
            message?: string | null;
            /** @description How far the run is. */
            progress: components["schemas"]["ProvisionProgress"];
            /** @description How far it is. */
            status: components["schemas"]["TaskStatus"];
            /** @description The task's id. */
            task: string;
            /** @description What happens. */
            title: string;
        };
        /**
         * @description How far a task is.
         * @enum {string}
         */
        TaskStatus: "pending" | "running" | "done" | "error";
        /**
         * Format: date-time
         * @description A moment: ISO 8601 in UTC, with milliseconds.
         * @example 2027-02-03T08:15:00.000Z
         */
        Time: string;
        /**
         * @description Thirty-two random octets: shown once, used once.
         * @example 4b1d0f6ec2a97d358ef0b14a6c7d29e05f83a1b2c4d6e8f00112233445566778
         */
        Token64: string;
        /**
         * @description A time code of six digits.
         * @example 492039
         */
        TotpCode: string;
        /** @description `POST /api/users/{username}/reset-totp`. */
        TotpReset: {
            /** @description `true`. */
            ok: boolean;
            /** @description What an authenticator app takes, once shown: `otpauth://totp/Portlama:…`. */
            totpUri: components["schemas"]["TotpUri"];
        };
        /**
         * @description What an authenticator app takes; shown once.
         * @example otpauth://totp/Portlama:mira?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Portlama&algorithm=SHA1&digits=6&period=30
         */
        TotpUri: string;
        /** @description What passed through a tunnel. */
        Traffic: {
            /**
             * Format: int64
             * @description Octets of visitors' requests.
             */
            bytesIn: number;
            /**
             * Format: int64
             * @description Octets of answers.
             */
            bytesOut: number;
            /**
             * Format: int64
             * @description Requests.
             */
            requests: number;
        };
        /** @description A tunnel: what was decided, and what is observed. */
        Tunnel: {
            accessMode?: components["schemas"]["AccessMode"] | null;
            agentLabel?: components["schemas"]["AgentLabel"] | null;
            /** @description Whether other websites may make a signed-in visitor's browser change things here. */
            allowCrossSite?: boolean;
            /** @description When it was made. */
            createdAt: components["schemas"]["Time"];
            description?: components["schemas"]["Description"] | null;
            /** @description Whether it is served at all. */
            enabled: boolean;
            /** @description The whole host name. */
            fqdn: components["schemas"]["Hostname"];
            /** @description Which `Host` the service sees. */
            hostHeader?: components["schemas"]["HostHeader"];
            /**
             * Format: uuid
             * @description Stable id.
             */
            id: string;
            /** @description How the agent speaks to the service. */
            originScheme?: components["schemas"]["OriginScheme"];
            /** @description Whether the agent checks the certificate of an https service. */
            originTlsVerify?: boolean;
            /** @description The port as the agent knows it. */
            port: components["schemas"]["TunnelPort"];
            /** @description What is observed. */
            status?: components["schemas"]["TunnelStatus"];
            /** @description More about it, for people. */
            statusDetail?: string | null;
            statusSince?: components["schemas"]["Time"] | null;
            /** @description The label below the base domain. */
            subdomain: components["schemas"]["Subdomain"];
            /** @description What passed since the server started. */
            traffic?: components["schemas"]["Traffic"];
            /** @description `app` or `panel`. */
            type: components["schemas"]["TunnelType"];
        };
        /** @description The tunnel that was made or changed. */
        TunnelAnswer: {
            /** @description `true`. */
            ok: boolean;
            /** @description As it is afterwards. */
            tunnel: components["schemas"]["Tunnel"];
        };
        /** @description `PATCH /api/tunnels/{id}`: at least one member. */
        TunnelChange: {
            /** @description Who may visit. */
            accessMode?: components["schemas"]["AccessMode"];
            /** @description The agent that serves it; the admin's to say. */
            agentLabel?: components["schemas"]["AgentLabel"];
            /** @description Whether other websites may make a signed-in visitor's browser change things there. */
            allowCrossSite?: boolean;
            description?: components["schemas"]["Description"] | null;
            /** @description Whether it is served. */
            enabled?: boolean;
            /** @description Which `Host` the service sees. */
            hostHeader?: components["schemas"]["HostHeader"];
            /** @description How the agent speaks to the service. */
            originScheme?: components["schemas"]["OriginScheme"];
            /** @description Whether the agent checks the certificate of an https service. */
            originTlsVerify?: boolean;
        };
        /** @description `GET /api/tunnels`. */
        TunnelList: {
            /** @description Newest first. */
            tunnels: components["schemas"]["Tunnel"][];
        };
        /**
         * @description The port of a tunnel, as its agent knows it.
         * @example 8400
         */
        TunnelPort: number;
        /** @description Where agents connect. */
        TunnelServer: {
            /** @description `tunnel.<domain>`. */
            host: components["schemas"]["Hostname"];
            /**
             * Format: int32
             * @description The port.
             * @example 443
             */
            port: number;
        };
        /**
         * @description What is observed of a tunnel.
         * @enum {string}
         */
        TunnelStatus: "serving" | "agent_offline" | "origin_refused" | "certificate_pending" | "no_agent" | "not_allowed_at_home" | "disabled" | "unknown";
        /**
         * @description What kind of service a tunnel leads to; `plugin` is kept from other versions, never made.
         * @enum {string}
         */
        TunnelType: "app" | "panel" | "plugin";
        /**
         * @description `POST /api/settings/2fa/confirm`, `…/verify`, `…/disable`.
         *
         *     Reading it never fails: whether the code is one is said after the limit on wrong codes.
         */
        TwoFactorCode: {
            /** @description Six digits. `None` when it is not there or no text. */
            code: components["schemas"]["TotpCode"];
        };
        /** @description `POST /api/settings/2fa/setup`. */
        TwoFactorSetup: {
            /**
             * @description The seed as people type it, base32.
             * @example JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP
             */
            manualKey: string;
            /** @description What an authenticator app takes, shown once: `otpauth://totp/Portlama%20Panel:admin?…`. */
            uri: components["schemas"]["TotpUri"];
        };
        /** @description `GET /api/settings/2fa`. */
        TwoFactorStatus: {
            /** @description Whether the panel asks the admin for a code. */
            enabled: boolean;
            /** @description Whether a seed was confirmed with a code. */
            setupComplete: boolean;
        };
        /** @description Whether the panel asks the admin for a code from here on. */
        TwoFactorSwitched: {
            /** @description Whether it does. */
            enabled: boolean;
        };
        /** @description The code was right; the session is in the cookie. */
        TwoFactorVerified: {
            /** @description `true`. */
            verified: boolean;
        };
        /**
         * @description A base domain as people type it: in any case, with or without a trailing dot, in letters of any language.
         * @example lab.example.org
         */
        TypedDomain: string;
        /** @description The answer to `POST /api/system/update`: it is verified and ordered. */
        UpdateOrdered: {
            /** @description What happens now. */
            message: string;
            /** @description `true`. */
            ok: boolean;
        };
        /** @description How a change of the server's version ended. */
        UpdateOutcome: {
            from?: components["schemas"]["ReleaseVersion"] | null;
            /** @description Why it does not serve. */
            reason?: string | null;
            to?: components["schemas"]["ReleaseVersion"] | null;
            /** @description Whether the version that was asked for serves. */
            upgraded: boolean;
        };
        /** @description `POST /api/system/update`. */
        UpdateRequest: {
            /** @description The version to run. */
            version: components["schemas"]["ReleaseVersion"];
        };
        /** @description `GET /api/system/update`. */
        UpdateState: {
            /** @description Whether this server knows where releases are fetched (`releases` of its panel.json). */
            canFetch: boolean;
            last?: components["schemas"]["UpdateOutcome"] | null;
            /**
             * @description The version that answers.
             * @example 1.2.3
             */
            version: string;
        };
        /** @description Octets that are there, used and free. */
        Usage: {
            /**
             * Format: int64
             * @description What programs can have.
             */
            free: number;
            /**
             * Format: int64
             * @description All.
             */
            total: number;
            /**
             * Format: int64
             * @description In use.
             */
            used: number;
        };
        /** @description A person who may sign in to apps. Never with a hash or a secret. */
        User: {
            /** @description The name shown. */
            displayname: components["schemas"]["DisplayName"];
            /** @description Where to reach them. */
            email: components["schemas"]["Email"];
            /** @description Told to apps as `Remote-Groups`. */
            groups: components["schemas"]["Group"][];
            /** @description The name to sign in with. */
            username: components["schemas"]["Username"];
        };
        /** @description The user who was made or changed. */
        UserAnswer: {
            /** @description `true`. */
            ok: boolean;
            /** @description As they are afterwards. */
            user: components["schemas"]["User"];
        };
        /** @description `PUT /api/users/{username}`: at least one member. */
        UserChange: {
            /** @description The name shown. */
            displayname?: components["schemas"]["DisplayName"];
            /** @description Where to reach them. */
            email?: components["schemas"]["Email"];
            /** @description Replaces the list. */
            groups?: components["schemas"]["Group"][];
            /** @description 8 characters to 72 bytes. */
            password?: components["schemas"]["Password"];
        };
        /** @description `GET /api/users`. */
        UserList: {
            /** @description By user name. */
            users: components["schemas"]["User"][];
        };
        /**
         * @description The name with which somebody signs in.
         * @example mira
         */
        Username: string;
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type AcceptInvitation = components['schemas']['AcceptInvitation'];
export type AccessMode = components['schemas']['AccessMode'];
export type AdminAuth = components['schemas']['AdminAuth'];
export type AdminAuthMode = components['schemas']['AdminAuthMode'];
export type AdminRotated = components['schemas']['AdminRotated'];
export type AdminRotation = components['schemas']['AdminRotation'];
export type Agent = components['schemas']['Agent'];
export type AgentCapabilities = components['schemas']['AgentCapabilities'];
export type AgentConfig = components['schemas']['AgentConfig'];
export type AgentLabel = components['schemas']['AgentLabel'];
export type AgentList = components['schemas']['AgentList'];
export type AgentP12 = components['schemas']['AgentP12'];
export type AgentPanelStatus = components['schemas']['AgentPanelStatus'];
export type AgentRevoked = components['schemas']['AgentRevoked'];
export type AgentSites = components['schemas']['AgentSites'];
export type AgentTunnel = components['schemas']['AgentTunnel'];
export type AllowedSitesChange = components['schemas']['AllowedSitesChange'];
export type AuditEntry = components['schemas']['AuditEntry'];
export type AuditPage = components['schemas']['AuditPage'];
export type AuditedThing = components['schemas']['AuditedThing'];
export type AutoRenewStatus = components['schemas']['AutoRenewStatus'];
export type Capability = components['schemas']['Capability'];
export type CapabilityChange = components['schemas']['CapabilityChange'];
export type Certificate = components['schemas']['Certificate'];
export type CertificateFailure = components['schemas']['CertificateFailure'];
export type CertificateList = components['schemas']['CertificateList'];
export type CertificatePem = components['schemas']['CertificatePem'];
export type CertificateProblem = components['schemas']['CertificateProblem'];
export type CertificateRenewed = components['schemas']['CertificateRenewed'];
export type CertificateRequest = components['schemas']['CertificateRequest'];
export type CertificateSigned = components['schemas']['CertificateSigned'];
export type CertificateStatus = components['schemas']['CertificateStatus'];
export type CertificateType = components['schemas']['CertificateType'];
export type CpuStats = components['schemas']['CpuStats'];
export type Csr = components['schemas']['Csr'];
export type CustomDomain = components['schemas']['CustomDomain'];
export type Description = components['schemas']['Description'];
export type DisplayName = components['schemas']['DisplayName'];
export type DnsCheck = components['schemas']['DnsCheck'];
export type Domain = components['schemas']['Domain'];
export type DomainAnswer = components['schemas']['DomainAnswer'];
export type Done = components['schemas']['Done'];
export type Email = components['schemas']['Email'];
export type EnrollRequest = components['schemas']['EnrollRequest'];
export type Enrolled = components['schemas']['Enrolled'];
export type Enrollment = components['schemas']['Enrollment'];
export type EnrollmentCancelled = components['schemas']['EnrollmentCancelled'];
export type EnrollmentMethod = components['schemas']['EnrollmentMethod'];
export type ErrorBody = components['schemas']['ErrorBody'];
export type ErrorDetails = components['schemas']['ErrorDetails'];
export type ErrorMembers = components['schemas']['ErrorMembers'];
export type ExposePanel = components['schemas']['ExposePanel'];
export type Group = components['schemas']['Group'];
export type Health = components['schemas']['Health'];
export type HostHeader = components['schemas']['HostHeader'];
export type Hostname = components['schemas']['Hostname'];
export type Invitation = components['schemas']['Invitation'];
export type InvitationAccepted = components['schemas']['InvitationAccepted'];
export type InvitationAnswer = components['schemas']['InvitationAnswer'];
export type InvitationList = components['schemas']['InvitationList'];
export type InvitationMade = components['schemas']['InvitationMade'];
export type InvitationStatus = components['schemas']['InvitationStatus'];
export type IpAddress = components['schemas']['IpAddress'];
export type Issue = components['schemas']['Issue'];
export type Json = components['schemas']['Json'];
export type LogFrame = components['schemas']['LogFrame'];
export type LogLevel = components['schemas']['LogLevel'];
export type MacPlist = components['schemas']['MacPlist'];
export type NameCheck = components['schemas']['NameCheck'];
export type NewDomain = components['schemas']['NewDomain'];
export type NewEnrollment = components['schemas']['NewEnrollment'];
export type NewInvitation = components['schemas']['NewInvitation'];
export type NewSite = components['schemas']['NewSite'];
export type NewTunnel = components['schemas']['NewTunnel'];
export type NewTunnelType = components['schemas']['NewTunnelType'];
export type NewUser = components['schemas']['NewUser'];
export type OnboardingState = components['schemas']['OnboardingState'];
export type OnboardingStatus = components['schemas']['OnboardingStatus'];
export type OpenApiDocument = components['schemas']['OpenApiDocument'];
export type OpenInvitation = components['schemas']['OpenInvitation'];
export type OriginScheme = components['schemas']['OriginScheme'];
export type OwnRevocation = components['schemas']['OwnRevocation'];
export type P12Password = components['schemas']['P12Password'];
export type Password = components['schemas']['Password'];
export type PathLabel = components['schemas']['PathLabel'];
export type PathSegment = components['schemas']['PathSegment'];
export type PlistInstructions = components['schemas']['PlistInstructions'];
export type ProcessStats = components['schemas']['ProcessStats'];
export type ProvisionComplete = components['schemas']['ProvisionComplete'];
export type ProvisionError = components['schemas']['ProvisionError'];
export type ProvisionFrame = components['schemas']['ProvisionFrame'];
export type ProvisionProgress = components['schemas']['ProvisionProgress'];
export type ProvisionResult = components['schemas']['ProvisionResult'];
export type ProvisionStarted = components['schemas']['ProvisionStarted'];
export type ProvisionState = components['schemas']['ProvisionState'];
export type ProvisionTask = components['schemas']['ProvisionTask'];
export type ReleaseVersion = components['schemas']['ReleaseVersion'];
export type Required = components['schemas']['Required'];
export type ResolverCheck = components['schemas']['ResolverCheck'];
export type Role = components['schemas']['Role'];
export type Serial = components['schemas']['Serial'];
export type Service = components['schemas']['Service'];
export type ServiceAction = components['schemas']['ServiceAction'];
export type ServiceDone = components['schemas']['ServiceDone'];
export type ServiceList = components['schemas']['ServiceList'];
export type ServiceStatus = components['schemas']['ServiceStatus'];
export type SetupToken = components['schemas']['SetupToken'];
export type Site = components['schemas']['Site'];
export type SiteAnswer = components['schemas']['SiteAnswer'];
export type SiteChange = components['schemas']['SiteChange'];
export type SiteDns = components['schemas']['SiteDns'];
export type SiteFile = components['schemas']['SiteFile'];
export type SiteFileDeletion = components['schemas']['SiteFileDeletion'];
export type SiteFileType = components['schemas']['SiteFileType'];
export type SiteFiles = components['schemas']['SiteFiles'];
export type SiteList = components['schemas']['SiteList'];
export type SiteName = components['schemas']['SiteName'];
export type SitePath = components['schemas']['SitePath'];
export type SiteType = components['schemas']['SiteType'];
export type SiteUpload = components['schemas']['SiteUpload'];
export type Subdomain = components['schemas']['Subdomain'];
export type SystemStats = components['schemas']['SystemStats'];
export type TaskFailed = components['schemas']['TaskFailed'];
export type TaskProgress = components['schemas']['TaskProgress'];
export type TaskStatus = components['schemas']['TaskStatus'];
export type Time = components['schemas']['Time'];
export type Token64 = components['schemas']['Token64'];
export type TotpCode = components['schemas']['TotpCode'];
export type TotpReset = components['schemas']['TotpReset'];
export type TotpUri = components['schemas']['TotpUri'];
export type Traffic = components['schemas']['Traffic'];
export type Tunnel = components['schemas']['Tunnel'];
export type TunnelAnswer = components['schemas']['TunnelAnswer'];
export type TunnelChange = components['schemas']['TunnelChange'];
export type TunnelList = components['schemas']['TunnelList'];
export type TunnelPort = components['schemas']['TunnelPort'];
export type TunnelServer = components['schemas']['TunnelServer'];
export type TunnelStatus = components['schemas']['TunnelStatus'];
export type TunnelType = components['schemas']['TunnelType'];
export type TwoFactorCode = components['schemas']['TwoFactorCode'];
export type TwoFactorSetup = components['schemas']['TwoFactorSetup'];
export type TwoFactorStatus = components['schemas']['TwoFactorStatus'];
export type TwoFactorSwitched = components['schemas']['TwoFactorSwitched'];
export type TwoFactorVerified = components['schemas']['TwoFactorVerified'];
export type TypedDomain = components['schemas']['TypedDomain'];
export type UpdateOrdered = components['schemas']['UpdateOrdered'];
export type UpdateOutcome = components['schemas']['UpdateOutcome'];
export type UpdateRequest = components['schemas']['UpdateRequest'];
export type UpdateState = components['schemas']['UpdateState'];
export type Usage = components['schemas']['Usage'];
export type User = components['schemas']['User'];
export type UserAnswer = components['schemas']['UserAnswer'];
export type UserChange = components['schemas']['UserChange'];
export type UserList = components['schemas']['UserList'];
export type Username = components['schemas']['Username'];
export type $defs = Record<string, never>;
export interface operations {
    audit_list: {
        parameters: {
            query?: {
                /** @description Rows older than this one; the last `id` of the page before. */
                before?: number | null;
                /** @description Rows of a page, 1 to 500; 50 when absent. */
                limit?: number | null;
                /** @description Only rows of this identity, such as `admin` or `agent:attic-nas`. */
                identity?: string | null;
                /** @description Only this action, or all actions on a kind of thing: `tunnel` finds `tunnel.create`. */
                action?: string | null;
                /** @description Only rows about this target. */
                target?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditPage"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    certificates_list: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CertificateList"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    certificates_auth_mode: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AdminAuth"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    certificates_upgrade_admin: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CertificateRequest"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CertificateSigned"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Request Timeout */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Payload Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Unsupported Media Type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Insufficient Storage */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    agents_list: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AgentList"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    agents_create: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewEnrollment"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AgentP12"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Request Timeout */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Payload Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Unsupported Media Type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Insufficient Storage */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    agents_create_enrollment: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewEnrollment"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Enrollment"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Request Timeout */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Payload Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Unsupported Media Type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Insufficient Storage */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    agents_cancel_enrollment: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                label: components["schemas"]["PathLabel"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EnrollmentCancelled"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Insufficient Storage */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    agents_revoke_self: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["OwnRevocation"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AgentRevoked"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Request Timeout */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Payload Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Unsupported Media Type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Insufficient Storage */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    agents_upgrade: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CertificateRequest"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CertificateSigned"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Request Timeout */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Payload Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Unsupported Media Type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Insufficient Storage */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    agents_revoke: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                label: components["schemas"]["PathLabel"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AgentRevoked"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Insufficient Storage */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    agents_set_allowed_sites: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                label: components["schemas"]["PathLabel"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AllowedSitesChange"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AgentSites"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Request Timeout */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Payload Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Unsupported Media Type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Insufficient Storage */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    agents_set_capabilities: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                label: components["schemas"]["PathLabel"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CapabilityChange"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AgentCapabilities"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Request Timeout */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Payload Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Unsupported Media Type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Insufficient Storage */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    agents_download_p12: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                label: components["schemas"]["PathLabel"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A PKCS#12 file */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/x-pkcs12": string;
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    renewal_status: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AutoRenewStatus"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    certificates_download_admin: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A PKCS#12 file */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/x-pkcs12": string;
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Gone */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    certificates_rotate: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["AdminRotation"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AdminRotated"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Request Timeout */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Gone */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Payload Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Unsupported Media Type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Insufficient Storage */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    renewal_renew: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                domain: components["schemas"]["Hostname"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CertificateRenewed"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Insufficient Storage */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    agents_enroll: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EnrollRequest"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Enrolled"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Request Timeout */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Payload Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Unsupported Media Type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Insufficient Storage */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    server_health: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    invitations_list: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InvitationList"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    invitations_create: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewInvitation"];
            };
        };
        responses: {
            /** @description Done */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InvitationAnswer"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Request Timeout */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Payload Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Unsupported Media Type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Insufficient Storage */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    invitations_delete: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Insufficient Storage */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    invitations_look: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                token: components["schemas"]["Token64"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenInvitation"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Gone */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    invitations_accept: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                token: components["schemas"]["Token64"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AcceptInvitation"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InvitationAccepted"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Request Timeout */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Gone */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Payload Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Unsupported Media Type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Insufficient Storage */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    onboarding_acknowledge: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Gone */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Insufficient Storage */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    onboarding_set_domain: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewDomain"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DomainAnswer"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Request Timeout */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Gone */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Payload Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Unsupported Media Type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Insufficient Storage */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    onboarding_provision: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProvisionStarted"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Gone */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Insufficient Storage */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    onboarding_stream: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A WebSocket with text frames of `ProvisionFrame` */
            101: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Gone */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Upgrade Required */
            426: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    onboarding_result: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProvisionResult"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Gone */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    onboarding_status: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OnboardingState"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    onboarding_verify_dns: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DnsCheck"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Gone */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Insufficient Storage */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    server_openapi: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenApiDocument"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    services_list: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServiceList"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    services_logs: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A WebSocket with text frames of `LogFrame` */
            101: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Upgrade Required */
            426: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    services_act: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
                action: components["schemas"]["ServiceAction"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServiceDone"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Insufficient Storage */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    two_factor_status: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TwoFactorStatus"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    two_factor_confirm: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TwoFactorCode"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TwoFactorSwitched"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Request Timeout */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Payload Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Unsupported Media Type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Insufficient Storage */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    two_factor_disable: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TwoFactorCode"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TwoFactorSwitched"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Request Timeout */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Payload Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Unsupported Media Type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Insufficient Storage */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    two_factor_setup: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TwoFactorSetup"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Insufficient Storage */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    two_factor_verify: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TwoFactorCode"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TwoFactorVerified"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Request Timeout */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Payload Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Unsupported Media Type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Insufficient Storage */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    sites_list: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SiteList"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    sites_create: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewSite"];
            };
        };
        responses: {
            /** @description Done */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SiteAnswer"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Request Timeout */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Payload Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Unsupported Media Type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Insufficient Storage */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    sites_delete: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Insufficient Storage */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    sites_change: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SiteChange"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SiteAnswer"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Request Timeout */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Payload Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Unsupported Media Type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Insufficient Storage */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    sites_list_files: {
        parameters: {
            query?: {
                /**
                 * @description A folder of the site; its root when absent.
                 * @example assets/img
                 */
                path?: string | null;
                /** @description Whether the files' `sha256` are wanted. */
                sha256?: boolean | null;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SiteFiles"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    sites_upload: {
        parameters: {
            query?: {
                /**
                 * @description A folder of the site; its root when absent.
                 * @example assets/img
                 */
                path?: string | null;
            };
            header: {
                /** @description Says that the caller means to upload. */
                "x-portlama-upload": "1";
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "multipart/form-data": {
                    [key: string]: string;
                };
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SiteUpload"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Request Timeout */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Payload Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Unsupported Media Type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Insufficient Storage */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    sites_delete_files: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SiteFileDeletion"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Request Timeout */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Payload Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Unsupported Media Type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Insufficient Storage */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    sites_verify_dns: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SiteDns"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Insufficient Storage */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    system_stats: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SystemStats"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    system_version: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UpdateState"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    system_update: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UpdateRequest"];
            };
        };
        responses: {
            /** @description Done */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UpdateOrdered"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Request Timeout */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Payload Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Unsupported Media Type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Bad Gateway */
            502: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Insufficient Storage */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    tunnels_list: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TunnelList"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    tunnels_create: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewTunnel"];
            };
        };
        responses: {
            /** @description Done */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TunnelAnswer"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Request Timeout */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Payload Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Unsupported Media Type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Insufficient Storage */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    tunnels_agent_config: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AgentConfig"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    agent_panel_status: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AgentPanelStatus"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    agent_panel_expose: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ExposePanel"];
            };
        };
        responses: {
            /** @description Done */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TunnelAnswer"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Request Timeout */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Payload Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Unsupported Media Type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Insufficient Storage */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    agent_panel_mac_plist: {
        parameters: {
            query?: {
                /**
                 * @description `json` for the property list with instructions; the file alone without it.
                 * @example json
                 */
                format?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A launchd job */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/x-plist": string;
                    "application/json": components["schemas"]["MacPlist"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    agent_panel_retract: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Insufficient Storage */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    tunnels_delete: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Insufficient Storage */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    tunnels_change: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TunnelChange"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TunnelAnswer"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Request Timeout */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Payload Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Unsupported Media Type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Insufficient Storage */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    users_list: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserList"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    users_create: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewUser"];
            };
        };
        responses: {
            /** @description Done */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserAnswer"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Request Timeout */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Payload Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Unsupported Media Type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Insufficient Storage */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    users_change: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                username: components["schemas"]["Username"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UserChange"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserAnswer"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Request Timeout */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Payload Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Unsupported Media Type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Insufficient Storage */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    users_delete: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                username: components["schemas"]["Username"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Insufficient Storage */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    users_reset_totp: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                username: components["schemas"]["Username"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TotpReset"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                    "text/html": string;
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Internal Server Error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Insufficient Storage */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
}
