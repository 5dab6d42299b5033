//! Processor, memory, disk and time since the start.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use portlama_control::{MachineError, MachineStats};
use sysinfo::{
    CpuRefreshKind, MINIMUM_CPU_UPDATE_INTERVAL, MemoryRefreshKind, ProcessRefreshKind,
    ProcessesToUpdate, RefreshKind, System, get_current_pid,
};

/// The longest stretch over which the use of the processor is averaged: whoever looks wants to
/// know how it is, not how it was since somebody looked last.
pub const MAX_CPU_STRETCH: Duration = Duration::from_secs(10);

/// Reads the machine's figures.
#[derive(Debug, Default)]
pub(crate) struct Figures(Arc<Mutex<Sample>>);

#[derive(Debug, Default)]
struct Sample {
    /// Made by the first who asks.
    system: Option<System>,
    /// When the processor was looked at last.
    cpu_at: Option<Instant>,
}

impl Figures {
    /// All figures. Takes a fifth of a second when nobody asked for a while, because the use of
    /// a processor is a difference.
    pub(crate) async fn read(&self) -> Result<MachineStats, MachineError> {
        if self.0.lock().needs_a_beginning(Instant::now()) {
            self.on_a_thread(Sample::look_at_cpu).await?;
        }
        let age = self.0.lock().cpu_at.map(|at| at.elapsed());
        if let Some(rest) = age.and_then(|age| MINIMUM_CPU_UPDATE_INTERVAL.checked_sub(age)) {
            tokio::time::sleep(rest).await;
        }
        self.on_a_thread(Sample::read).await
    }

    async fn on_a_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Sample) -> Result<T, MachineError> + Send + 'static,
    ) -> Result<T, MachineError> {
        let sample = Arc::clone(&self.0);
        let done = tokio::task::spawn_blocking(move || work(&mut sample.lock())).await;
        done.unwrap_or(Err(MachineError::Unreadable("figures")))
    }
}

impl Sample {
    fn needs_a_beginning(&self, now: Instant) -> bool {
        self.cpu_at
            .is_none_or(|at| now.saturating_duration_since(at) > MAX_CPU_STRETCH)
    }

    fn system(&mut self) -> Result<&mut System, MachineError> {
        let system = match self.system.take() {
            Some(system) => system,
            None => System::new().map_err(|_| MachineError::Unreadable("figures"))?,
        };
        Ok(self.system.insert(system))
    }

    fn look_at_cpu(&mut self) -> Result<(), MachineError> {
        let usage = CpuRefreshKind::nothing().with_usage();
        self.system()?
            .refresh_specifics(RefreshKind::nothing().with_cpu(usage));
        self.cpu_at = Some(Instant::now());
        Ok(())
    }

    fn read(&mut self) -> Result<MachineStats, MachineError> {
        self.look_at_cpu()?;
        let system = self.system()?;
        system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        let root = rustix::fs::statvfs("/").map_err(|_| MachineError::Unreadable("disk"))?;
        let octets = |blocks: u64| blocks.saturating_mul(root.f_frsize);
        let uptime = System::uptime().map_err(|_| MachineError::Unreadable("uptime"))?;
        let busy = f64::from(system.global_cpu_usage());
        Ok(MachineStats {
            cpu_percent: if busy.is_finite() {
                busy.clamp(0.0, 100.0)
            } else {
                0.0
            },
            cpu_cores: system.cpus().len(),
            memory_total: system.total_memory(),
            memory_available: system.available_memory(),
            disk_total: octets(root.f_blocks),
            disk_used: octets(root.f_blocks.saturating_sub(root.f_bfree)),
            disk_free: octets(root.f_bavail),
            uptime: Duration::from_secs(uptime),
            process_memory: own_memory(system),
        })
    }
}

fn own_memory(system: &mut System) -> u64 {
    let Ok(pid) = get_current_pid() else {
        return 0;
    };
    let memory = ProcessRefreshKind::nothing().with_memory();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, memory);
    system.process(pid).map_or(0, sysinfo::Process::memory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_figures_of_this_machine_are_plausible() {
        let figures = Figures::default();
        for _ in 0..2 {
            let stats = figures.read().await.expect("figures");
            assert!((0.0..=100.0).contains(&stats.cpu_percent), "{stats:?}");
            assert!(stats.cpu_cores >= 1);
            assert!(stats.memory_available > 0 && stats.memory_available <= stats.memory_total);
            assert!(stats.disk_used + stats.disk_free <= stats.disk_total);
            assert!(stats.uptime > Duration::ZERO);
            assert!(
                (1 << 20..stats.memory_total).contains(&stats.process_memory),
                "{stats:?}"
            );
        }
    }
}
