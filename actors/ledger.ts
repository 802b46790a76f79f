// The journal and its commit pipeline as one supervised child: they live and end together.
import type { Child, Link } from "./child_spec.ts";
import { type CommitPipeline, type CommitPipelineOptions, commitPipeline } from "./commit_pipeline.ts";
import type { Journal } from "./ports.ts";

export interface Ledger extends Child {
  readonly journal: Journal;
  readonly pipeline: CommitPipeline;
}

/** Opens the journal. A write that fails closes it, so that the next life may open it again, and then ends this child:
 * everybody who leans on it starts again from what is on disk. */
export async function startLedger(
  openJournal: () => Promise<Journal>,
  options: Omit<CommitPipelineOptions, "journal" | "onFailure">,
  link: Link,
): Promise<Ledger> {
  const { clock } = options;
  const journal = await openJournal();
  const fail = (error: Error): void => {
    const release = clock.hold();
    const end = (): void => {
      link.exit({ crash: error });
      release();
    };
    journal.close().then(end, end);
  };
  const pipeline = commitPipeline({ ...options, journal, onFailure: fail });
  const stop = async (): Promise<void> => {
    // Closing is real work: a clock that runs fast must not reach the deadline for it before it has begun.
    const release = clock.hold();
    try {
      await pipeline.stop();
      await journal.close();
    } finally {
      release();
    }
  };
  return { journal, pipeline, stop };
}
