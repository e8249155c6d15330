// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.collective;

import io.eslm.tensor.UserError;
import java.io.IOException;
import java.nio.channels.Selector;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * Ranks of which each is connected with each other. An exchange is direct: what rank a has for rank b goes from a to b, all pairs at the
 * same time, in the calling thread.
 */
final class Mesh implements Collective {
    private static final String LATE =
            "It may be stopped, overloaded or cut off from the network; see what it printed. If it "
                    + "evaluates, saves or is paused for longer, give all ranks a longer world timeout";
    /** How long to wait for a rank whose connection broke to say why. */
    private static final Duration WORDS = Duration.ofSeconds(2);
    private static final long TICK = 1000;
    /** Nanoseconds for which a rank looks before it sleeps; to be woken takes longer. Others that want the core get it meanwhile. */
    private static final long LOOK = 20_000;

    private final int rank;
    private final Link[] links;
    /** Whether to look before sleep: at a socket there is nothing that a look would show. */
    private final boolean looks;
    private final List<Link> others = new ArrayList<>();
    private final Selector selector;
    private final Heart heart;
    private final Duration timeout;
    private long number;
    private boolean closed;
    /** What a rank said that must end; null if none has. */
    private String heard;
    private final long[] busy;
    /** Null on other ranks than 0, which log nothing. */
    private final Pace pace;
    private long ended = System.nanoTime();

    /**
     * @param links by rank; null at this one's place
     * @param timeout how long an exchange waits for a rank that lives
     * @param silence after which a rank counts as lost
     * @param notes hears, on rank 0, which rank is slow
     */
    Mesh(int rank, Link[] links, Selector selector, Duration timeout, Duration silence, Consumer<String> notes) {
        busy = new long[links.length];
        pace = rank == 0 ? new Pace(links.length, notes) : null;
        this.rank = rank;
        this.links = links.clone();
        this.selector = selector;
        this.timeout = timeout;
        for (Link link : links) {
            if (link != null) {
                others.add(link);
            }
        }
        looks = others.stream().anyMatch(RingLink.class::isInstance);
        heart = new Heart(others.stream().map(link -> link.control).toList(), silence, selector::wakeup);
    }

    @Override
    public int rank() {
        return rank;
    }

    @Override
    public int world() {
        return links.length;
    }

    @Override
    public void reduceScatter(Floats each, long[] cuts, Floats sum, boolean add) {
        SumExchange exchange = new SumExchange(rank, links, each, cuts, sum, add);
        run(exchange, exchange::combine);
    }

    @Override
    public void allGather(Floats all, long[] cuts) {
        run(new SliceExchange(rank, all, cuts), () -> false);
    }

    @Override
    public byte[][] allGather(byte[] mine) {
        ByteExchange exchange = new ByteExchange(rank, links.length, mine);
        run(exchange, () -> false);
        return exchange.all();
    }

    /** What an exchange does with several links' blocks together; true if it did something. */
    @FunctionalInterface
    interface Combine {
        boolean run();
    }

    private void run(Link.Exchange exchange, Combine combine) {
        UserError.check(!closed, "rank %d has left the other ranks", rank);
        number++;
        heard = null;
        long begin = System.nanoTime();
        busy[rank] = begin - ended;
        others.forEach(link -> link.begin(exchange, number, begin, busy[rank]));
        while (true) {
            boolean moved = false;
            boolean done = true;
            long now = System.nanoTime();
            for (Link link : others) {
                try {
                    moved |= link.send(exchange, now);
                    moved |= link.receive(exchange, number, now);
                } catch (Link.OutOfStepException _) {
                    throw end(link.name + " is not where rank " + rank + " is in the training. This is a fault of the "
                            + "program; please report it");
                } catch (IOException e) {
                    throw gone(link, e);
                }
                done &= link.done();
            }
            moved |= combine.run();
            if (done && others.stream().allMatch(Link::done)) {
                finish();
                return;
            }
            if (!moved) {
                await();
            }
        }
    }

    private void finish() {
        if (pace != null) {
            others.forEach(link -> busy[link.rank] = link.busy());
            pace.round(busy);
        }
        ended = System.nanoTime();
    }

    /**
     * Sleeps until something can be sent or received. What a rank said counts once all that it sent before has been received, and
     * only if this exchange needs more of it.
     */
    private void await() {
        if (heard != null) {
            throw end(heard);
        }
        if (!sleep()) {
            return;
        }
        for (Link link : others) {
            if (heard == null && !link.done()) {
                heard = link.control.words().orElse(null);
            }
        }
        if (heard != null) {
            return;
        }
        String lost = names(link -> !link.done() && heart.misses(link.control));
        if (!lost.isEmpty()) {
            throw end(lost + " has shown no life for " + shown(heart.silence())
                    + ": it is stopped or cut off from the network, or its host is");
        }
        UserError.check(!Thread.currentThread().isInterrupted(), "rank %d was interrupted", rank);
        late(Link::silentSince).ifPresent(names -> {
            throw end(names + " sent nothing for " + shown(timeout) + ", and rank " + rank
                    + " waits no longer. " + LATE);
        });
        late(Link::deafSince).filter(_ -> others.stream().noneMatch(link -> link.silentSince().isPresent()))
                .ifPresent(names -> {
                    throw end(names + " took nothing for " + shown(timeout) + ", and rank " + rank
                            + " waits no longer. " + LATE);
                });
    }

    /** False if there was something to do instead. */
    private boolean sleep() {
        if (looks) {
            for (long end = System.nanoTime() + LOOK; System.nanoTime() < end; Thread.yield()) {
                for (Link link : others) {
                    if (link.canMove()) {
                        return false;
                    }
                }
            }
        }
        boolean idle = true;
        for (Link link : others) {
            idle &= link.sleep();
        }
        try {
            if (idle) {
                selector.select(Math.min(TICK, Math.max(1, timeout.toMillis())));
            }
        } catch (IOException e) {
            throw end("rank " + rank + " cannot wait for the others: " + Door.reason(e));
        }
        others.forEach(link -> link.wake(selector.selectedKeys()));
        selector.selectedKeys().clear();
        return idle;
    }

    static String shown(Duration time) {
        return time.toMillis() >= 1000 ? time.toSeconds() + " s" : time.toMillis() + " ms";
    }

    private Optional<String> late(Function<Link, Optional<Long>> since) {
        long now = System.nanoTime();
        String names = names(link -> since.apply(link).filter(at -> now - at > timeout.toNanos()).isPresent());
        return names.isEmpty() ? Optional.empty() : Optional.of(names);
    }

    private String names(Predicate<Link> of) {
        return others.stream().filter(of).map(link -> link.name).collect(Collectors.joining(" and "));
    }

    private Optional<String> words() {
        return others.stream().flatMap(link -> link.control.words().stream()).findFirst();
    }

    /** Another rank's connection broke: it says why, unless it was killed. */
    private UserError gone(Link link, IOException e) {
        if (Thread.currentThread().isInterrupted()) {
            return end("rank " + rank + " was interrupted");
        }
        others.forEach(Link::ignoreData);
        long deadline = System.nanoTime() + WORDS.toNanos();
        while (link.control.words().isEmpty() && !link.control.ended() && System.nanoTime() < deadline) {
            try {
                selector.select(Math.max(1, (deadline - System.nanoTime()) / 1_000_000));
                selector.selectedKeys().clear();
            } catch (IOException _) {
                break;
            }
        }
        return end(
                link.control.words().or(this::words).orElse(link.name + " has ended without a word (" + Door.reason(e)
                        + "): it was killed, or its host is gone"));
    }

    /** Tells the others what happened, and closes. */
    private UserError end(String why) {
        others.forEach(link -> link.control.say(why));
        close();
        return new UserError(why);
    }

    @Override
    public void abort(String why) {
        if (!closed) {
            end("rank " + rank + " has ended: " + why);
        }
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            heart.close();
            others.forEach(Link::close);
            try {
                selector.close();
            } catch (IOException _) {
                // the system closes it with the process
            }
        }
    }
}
