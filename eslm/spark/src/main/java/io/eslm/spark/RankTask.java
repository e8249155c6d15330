// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark;

import io.eslm.cli.Main;
import io.eslm.gpt2.collective.Address;
import io.eslm.gpt2.collective.Collective;
import io.eslm.gpt2.collective.Door;
import io.eslm.gpt2.collective.Rendezvous;
import io.eslm.run.RankPlace;
import io.eslm.tensor.UserError;
import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.apache.spark.BarrierTaskContext;
import scala.collection.Iterator;
import scala.jdk.javaapi.CollectionConverters;
import scala.runtime.AbstractFunction1;

/**
 * One rank, as a task of a barrier stage. Rank 0 opens a door, and all are told where; everything after that is between the ranks.
 * A rank that fails by itself says why and ends the job. One that fails because of another fails its task, so that the driver
 * starts the stage again.
 */
final class RankTask extends AbstractFunction1<Iterator<Integer>, Iterator<Integer>> implements Serializable {
    private static final long serialVersionUID = 1;
    /** How long a rank other than 0 that fails by itself waits for rank 0's words, and one that lost another for a reason. */
    private static final Duration OF_RANK_0 = Duration.ofSeconds(1);
    private static final Duration OF_ANY = Duration.ofSeconds(4);
    private static final String WRONG = "!";

    private final String[] words;
    private final byte[] secret;
    private final Duration timeout;
    private final Duration silence;
    private final SharedFolder shared;

    /**
     * @param words of the command, with files named from the root
     * @param secret of the job
     * @param timeout how long a rank waits for another
     * @param silence without a sign of life, after which a rank counts as lost
     * @param shared where the folder of the run is
     */
    RankTask(List<String> words, byte[] secret, Duration timeout, Duration silence, SharedFolder shared) {
        this.words = words.toArray(String[]::new);
        this.secret = secret.clone();
        this.timeout = timeout;
        this.silence = silence;
        this.shared = shared;
    }

    @Override
    public Iterator<Integer> apply(Iterator<Integer> partition) {
        BarrierTaskContext context = BarrierTaskContext.get();
        int rank = context.partitionId();
        String host = context.getTaskInfos()[0].address().replaceFirst(":\\d+$", "");
        Door door = rank == 0 ? Door.open(new Address(host, 0, null), true) : null;
        try {
            String mine = shared.fault().map(WRONG::concat).orElse(rank == 0 ? host + ":" + door.port() : "");
            String[] all = context.allGather(mine);
            Arrays.stream(all).filter(text -> text.startsWith(WRONG)).findFirst()
                    .ifPresent(fault -> Job.fail(fault.substring(WRONG.length())));
            int code = train(rank, all.length, Address.parse(all[0]), door, context.cpus());
            return CollectionConverters.asScala(List.of(code).iterator());
        } finally {
            if (door != null) {
                door.close();
            }
        }
    }

    private int train(int rank, int world, Address where, Door door, int threads) {
        AtomicBoolean lost = new AtomicBoolean();
        RankPlace place = new RankPlace(rank, world, (program, notes) -> WatchedRanks
                .meet(() -> meet(rank, world, where, door, program, notes), () -> lost.set(true)));
        RankCommand command = new RankCommand(place, threads);
        try (Writer out = rank == 0 ? Job.results() : Writer.nullWriter();
                Writer err = rank == 0 ? Job.notes() : Writer.nullWriter()) {
            int code = Main.run(out, err, false, List.of(command), words);
            if (command.failure() == null) {
                return code;
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        String why = command.failure();
        if (!lost.get()) {
            if (rank > 0) {
                pause(OF_RANK_0); // where all fail alike, as in a training that diverges, rank 0 has most to say
            }
            Job.fail(why);
        }
        Job.lost(why);
        pause(OF_ANY);
        throw new UserError(why);
    }

    private Collective meet(int rank, int world, Address where, Door door, String program, Consumer<String> notes) {
        Rendezvous.Member me = new Rendezvous.Member(rank, world, secret, program, timeout, silence, null);
        return world > 1 && rank == 0 ? Rendezvous.host(me, door, notes) : Rendezvous.join(me, where, notes);
    }

    private static void pause(Duration time) {
        try {
            Thread.sleep(time);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }
}
