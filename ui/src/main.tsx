import "./styles.css";

import { QueryClientProvider } from "@tanstack/react-query";
import { setNonce } from "get-nonce";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { RouterProvider } from "react-router";

import { Api } from "./api/client";
import { ApiContext } from "./api/context";
import { askAhead } from "./app/ahead";
import { makeQueryClient } from "./app/query-client";
import { makeRouter } from "./app/routes";
import { followSystem } from "./app/theme";
import { ToastProvider } from "./components/toast";
import { PlatformContext } from "./platform/context";
import { HttpPlatform } from "./platform/http";

// The dialogs' scroll lock writes a style element; the content policy lets it by this nonce only.
const nonce = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content;
if (nonce) setNonce(nonce);
followSystem();

const platform = new HttpPlatform();
const api = new Api(platform);
const cache = makeQueryClient();
askAhead(api, cache, window.location.pathname);
const root = document.getElementById("root");
if (!root) throw new Error("the page has no root");

createRoot(root).render(
  <StrictMode>
    <PlatformContext value={platform}>
      <ApiContext value={api}>
        <QueryClientProvider client={cache}>
          <ToastProvider>
            <RouterProvider router={makeRouter()} />
          </ToastProvider>
        </QueryClientProvider>
      </ApiContext>
    </PlatformContext>
  </StrictMode>,
);
