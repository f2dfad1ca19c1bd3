//! Many layers at once: the largest first, so that none is left alone at the end, and the results in
//! the order in which they were asked for, whatever the number of threads.

use std::cmp::Reverse;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use super::crew::Crew;
use super::facts::LayerFacts;
use super::known::{KnownLayers, scan_known};
use super::layer::{ScanOptions, scan_with};
use crate::error::{Error, ErrorKind, Result};
use crate::read::Section;

/// Told how far reading is. `()` tells nobody.
pub trait Progress: Send + Sync {
    /// So many stored bytes are going to be read.
    fn expect(&self, _count: u64) {}
    /// So many more stored bytes were read.
    fn add_bytes(&self, count: u64);
}

impl Progress for () {
    fn add_bytes(&self, _: u64) {}
}

/// One blob to read. Blobs that are several layers should be asked for once.
#[derive(Debug, Clone)]
pub struct LayerJob {
    /// The stored bytes.
    pub blob: Section,
    /// What is wanted of them.
    pub options: ScanOptions,
    /// The blob is said to be one that is known: it is hashed first, and read where it is not so.
    pub hash_first: bool,
}

/// Reads layers on the current rayon pool (`pool.install(|| scan_layers(…))` chooses another).
///
/// The results are in the order of the jobs. A panic is a fault of this program; it becomes an error
/// of that layer, so that it can never read as a pass.
pub fn scan_layers(
    jobs: &[LayerJob],
    known: &dyn KnownLayers,
    progress: &dyn Progress,
) -> Vec<Result<LayerFacts>> {
    progress.expect(jobs.iter().map(|job| job.blob.size()).sum());
    run(jobs, |job, crew| {
        if job.hash_first {
            if let Some(facts) = scan_known(&job.blob, &job.options, known, progress)? {
                return Ok(facts);
            }
            progress.expect(job.blob.size());
        }
        scan_with(&job.blob, &job.options, Some(crew), progress)
    })
}

fn run<T: Send>(jobs: &[LayerJob], work: impl Fn(&LayerJob, &Crew) -> Result<T> + Sync) -> Vec<Result<T>> {
    let mut order: Vec<usize> = (0..jobs.len()).collect();
    order.sort_by_key(|index| Reverse(jobs.get(*index).map(|job| job.blob.size())));
    let crew = Crew::new(jobs.len());
    let done = Mutex::new(Vec::with_capacity(jobs.len()));
    let read = |place: usize| {
        let job = order.get(place).and_then(|index| Some((*index, jobs.get(*index)?)));
        let Some((index, job)) = job else { return };
        let result = catch_unwind(AssertUnwindSafe(|| work(job, &crew))).unwrap_or_else(|_| {
            let what = "reading the layer failed by a fault of this program";
            Err(Error::new(ErrorKind::Internal, what))
        });
        done.lock().unwrap_or_else(PoisonError::into_inner).push((index, result));
    };
    rayon::scope(|scope| {
        // More than there are layers: those that read none help the others.
        for _ in 0..rayon::current_num_threads() {
            scope.spawn(|_| crew.work(read));
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jobs(sizes: &[usize]) -> Vec<LayerJob> {
        let blob = |size: &usize| Section::of_bytes(vec![0; *size]);
        let job = |size| LayerJob { blob: blob(size), options: ScanOptions::default(), hash_first: false };
        sizes.iter().map(job).collect()
    }

    #[test]
    fn results_come_in_the_order_of_the_jobs() {
        let jobs = jobs(&[1, 5, 3, 0, 4]);
        let order = Mutex::new(Vec::new());
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let results = pool.install(|| {
            run(&jobs, |job, _| {
                order.lock().unwrap().push(job.blob.size());
                Ok(job.blob.size())
            })
        });
        let results: Vec<u64> = results.into_iter().map(Result::unwrap).collect();
        assert_eq!(results, [1, 5, 3, 0, 4]);
        assert_eq!(*order.lock().unwrap(), [5, 4, 3, 1, 0]);
        assert!(run(&[], |_, _| Ok(())).is_empty());
    }

    #[test]
    fn a_panic_is_an_error_of_its_layer_only() {
        let results = run(&jobs(&[1, 2, 3]), |job, _| {
            assert!(job.blob.size() != 2, "a panic that this test asks for");
            Ok(())
        });
        assert!(results[0].is_ok() && results[2].is_ok());
        assert_eq!(results[1].as_ref().unwrap_err().kind(), ErrorKind::Internal);
    }
}
