import { createBrowserRouter, Navigate, type RouteObject } from "react-router";

import { CrashPage } from "./crash-page";
import { Gate } from "./gate";

/** Each page is a chunk of its own, loaded when somebody goes there. */
const pages: RouteObject[] = [
  { index: true, lazy: () => import("@/screens/dashboard/dashboard") },
  { path: "tunnels", lazy: () => import("@/screens/tunnels/tunnels") },
  { path: "sites", lazy: () => import("@/screens/sites/sites") },
  { path: "sites/:id", lazy: () => import("@/screens/sites/site") },
  { path: "users", lazy: () => import("@/screens/users/users") },
  { path: "certificates", lazy: () => import("@/screens/certificates/certificates") },
  { path: "services", lazy: () => import("@/screens/services/services") },
  { path: "audit", lazy: () => import("@/screens/audit/audit") },
  { path: "settings", lazy: () => import("@/screens/settings/settings") },
  { path: "docs", lazy: () => import("@/screens/docs/docs") },
  { path: "docs/:page", lazy: () => import("@/screens/docs/docs") },
  { path: "onboarding", element: <Navigate to="/" replace /> },
  { path: "*", lazy: () => import("@/screens/not-found") },
];

export const routes: RouteObject[] = [
  { element: <Gate />, errorElement: <CrashPage />, HydrateFallback: () => null, children: pages },
];

export const makeRouter = () => createBrowserRouter(routes);
