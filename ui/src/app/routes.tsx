import { createBrowserRouter, Navigate, type RouteObject } from "react-router";

import { SkeletonRows } from "@/components/page-state";
import * as dashboard from "@/screens/dashboard/dashboard";

import { CrashPage } from "./crash-page";
import { Gate } from "./gate";

/** Each page is a chunk of its own, loaded when somebody goes there; most begin at the first. */
const pages: RouteObject[] = [
  { index: true, ...dashboard },
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
  {
    element: <Gate />,
    errorElement: <CrashPage />,
    // The frame stands while the first page is still on its way.
    children: pages.map((page) => ({ ...page, HydrateFallback: SkeletonRows }) as RouteObject),
  },
];

export const makeRouter = () => createBrowserRouter(routes);
