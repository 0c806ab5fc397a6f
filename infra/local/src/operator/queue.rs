//! `countersign queue`: pushes that wait, and those that were put aside.

use clap::{Args, Subcommand};
use countersign_core::outbox::Queue;
use serde_json::json;

use super::{Installation, failed};
use crate::first_run::Trouble;

/// The stack's delivery queue and its dead letters.
#[derive(Subcommand)]
pub enum QueueCommand {
    /// Show how many pushes wait, and which ones were put aside because they could not be delivered.
    Show {
        #[command(flatten)]
        queues: Queues,
    },
    /// Send the pushes that were put aside again. The worker drops those whose challenge is over.
    Redrive {
        #[command(flatten)]
        queues: Queues,
    },
}

#[derive(Args)]
pub struct Queues {
    /// URL of the queue of pushes.
    #[arg(long, env = "COUNTERSIGN_DELIVERY_QUEUE", value_name = "URL")]
    queue: Option<String>,
    /// URL of the queue of those that could not be delivered.
    #[arg(long, env = "COUNTERSIGN_DEAD_LETTER_QUEUE", value_name = "URL")]
    dead_letters: Option<String>,
}

impl Installation {
    /// Shows or redrives the queue of a stack. That of one process is in its memory, and ends with it.
    pub async fn queue(&self, command: QueueCommand) -> Result<(), Trouble> {
        let (QueueCommand::Show { queues } | QueueCommand::Redrive { queues }) = &command;
        let (Some(queue), Some(dead)) = (&queues.queue, &queues.dead_letters) else {
            return Err(Trouble(
                "say which queues: COUNTERSIGN_DELIVERY_QUEUE and COUNTERSIGN_DEAD_LETTER_QUEUE, as the stack's output \
                 OperatorEnvironment has them (the queue of one process is in its memory and ends with it)"
                    .into(),
            ));
        };
        let aws = self.aws().await?;
        let (queue, dead) = (Queue::of(&aws, queue), Queue::of(&aws, dead));
        let moved = match command {
            QueueCommand::Show { .. } => None,
            QueueCommand::Redrive { .. } => {
                let said = |so_far: usize| eprintln!("{so_far} sent again");
                Some(dead.move_all_to(&queue, said).await.map_err(failed)?)
            }
        };
        let (waiting, put_aside) = (queue.depth().await.map_err(failed)?, dead.depth().await.map_err(failed)?);
        let examples = if moved.is_none() { dead.peek().await.map_err(failed)? } else { Vec::new() };
        let mut shown = json!({"waiting": waiting, "deadLetters": put_aside});
        if let Some(moved) = moved {
            shown["sentAgain"] = moved.into();
        }
        if !examples.is_empty() {
            shown["examples"] = examples.into();
        }
        self.print(&shown);
        Ok(())
    }
}
