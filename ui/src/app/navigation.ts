import {
  Activity,
  BookOpen,
  Cable,
  FileBadge,
  Globe,
  LayoutDashboard,
  ScrollText,
  Settings,
  Users,
  type LucideIcon,
} from "lucide-react";

export interface Destination {
  path: string;
  label: string;
  icon: LucideIcon;
}

/** The pages, in the order of the sidebar. */
export const DESTINATIONS: Destination[] = [
  { path: "/", label: "Dashboard", icon: LayoutDashboard },
  { path: "/tunnels", label: "Tunnels", icon: Cable },
  { path: "/sites", label: "Sites", icon: Globe },
  { path: "/users", label: "Users", icon: Users },
  { path: "/certificates", label: "Certificates", icon: FileBadge },
  { path: "/services", label: "Services", icon: Activity },
  { path: "/audit", label: "Audit log", icon: ScrollText },
  { path: "/settings", label: "Settings", icon: Settings },
  { path: "/docs", label: "Guide", icon: BookOpen },
];
