// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.collective;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.eslm.tensor.UserError;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import javax.net.ssl.SSLContext;

/**
 * How ranks find each other: rank 0 waits at an address that all know. The others come there, say where they wait themselves, and
 * are told where all are. Then each goes to those before it; on the same host past the network, if it can. Each must know the job's
 * secret, run the same version of the program, and have been started for the same number of ranks.
 */
public final class Rendezvous {
    /** How long one that connects may take to show that it is a rank. */
    private static final Duration GREETING = Duration.ofSeconds(10);
    /** Milliseconds from one attempt to reach a rank to the next: at first, and at most. Most ranks start within moments. */
    private static final long RETRY_SOON = 10;
    private static final long RETRY = 200;
    /** How often to look whether one that has come has ended since. */
    private static final Duration LOOK = Duration.ofMillis(200);
    private static final Duration SILENCE = Duration.ofSeconds(60);
    private static final String[] PURPOSES = {"data", "control"};

    /**
     * What a rank brings.
     *
     * @param secret of the job; empty where only this host can come in
     * @param program name and version, which must be the same
     * @param timeout how long to wait for others: for the first time, and in every exchange
     * @param silence without a sign of life, after which a rank counts as lost; rank 0's counts
     * @param tls through which it goes over a network; null without TLS
     */
    public record Member(int rank, int world, byte[] secret, String program, Duration timeout, Duration silence,
            SSLContext tls) {
        /** One that waits a minute for a sign of life, without TLS. */
        public Member(int rank, int world, byte[] secret, String program, Duration timeout) {
            this(rank, world, secret, program, timeout, SILENCE, null);
        }

        /** @throws UserError unless 0 ≤ rank &lt; world */
        public Member {
            UserError.check(world >= 1 && rank >= 0 && rank < world, "rank %d of %d: must be from 0 to %d", rank,
                    world, world - 1);
            secret = secret.clone();
        }
    }

    private final Member me;
    private final Consumer<String> notes;
    private final long deadline;
    private final Peers peers;
    private final JsonObject[] places;
    /** On rank 0, of ranks that wait for the table. */
    private final Session[] waiting;
    private final List<String> refused = new ArrayList<>();

    private Rendezvous(Member me, Consumer<String> notes) {
        this.me = me;
        this.notes = notes;
        deadline = System.nanoTime() + me.timeout.toNanos();
        peers = new Peers(me.world);
        places = new JsonObject[me.world];
        waiting = new Session[me.world];
    }

    /** Opens the door at {@code address} if this is rank 0, else goes there. */
    public static Collective join(Member me, Address address, Consumer<String> notes) {
        if (me.world == 1) {
            return Collective.alone();
        }
        return me.rank == 0 ? host(me, Door.open(address, me.secret.length > 0), notes)
                : new Rendezvous(me, notes).come(address);
    }

    /** As rank 0, waits for the others at {@code door}, which it closes. */
    public static Collective host(Member me, Door door, Consumer<String> notes) {
        UserError.check(me.rank == 0, "rank %d: only rank 0 waits for the others", me.rank);
        return new Rendezvous(me, notes).receive(door);
    }

    // ---- rank 0

    private Collective receive(Door door) {
        try (door) {
            accept(door, 1, Peers.CONTROL);
            places[0] = place(door);
            JsonArray all = new JsonArray();
            for (JsonObject place : places) {
                all.add(place);
            }
            JsonObject table = new JsonObject();
            table.add("ranks", all);
            table.addProperty("silence", me.silence.toMillis());
            for (int r = 1; r < me.world; r++) {
                give(r, table);
            }
            accept(door, 1, Peers.DATA);
            return peers.mesh(me, me.silence, notes);
        } catch (IOException e) {
            throw failed("rank 0 cannot begin with the others: " + Door.reason(e), e);
        } catch (RuntimeException e) {
            tell(String.valueOf(e.getMessage()));
            peers.end(String.valueOf(e.getMessage()));
            throw e;
        }
    }

    /** Says to a rank that waits where all are. */
    private void give(int rank, JsonObject table) {
        try (Session session = waiting[rank]) {
            waiting[rank] = null;
            session.send(table);
            peers.listen(rank);
        } catch (IOException _) {
            throw peers.ended(rank);
        }
    }

    /** Tells the ranks that wait for the table that none will come. */
    private void tell(String why) {
        JsonObject end = new JsonObject();
        end.addProperty("end", why);
        for (Session session : waiting) {
            try {
                if (session != null) {
                    session.send(end);
                    session.close();
                }
            } catch (IOException _) {
                // it has ended too
            }
        }
    }

    /** True if none of the ranks that wait for the table has ended; those that have may come again. */
    private boolean allWait() throws IOException {
        boolean all = true;
        for (int r = 1; r < me.world; r++) {
            all &= waiting[r] == null || !gone(r, Peers.CONTROL);
        }
        return all;
    }

    /** True, and forgotten, if the process that came as {@code rank} has ended since. */
    private boolean gone(int rank, int purpose) throws IOException {
        if (!peers.forgetIfGone(rank, purpose)) {
            return false;
        }
        if (waiting[rank] != null) {
            waiting[rank].close();
            waiting[rank] = null;
        }
        notes.accept("rank " + rank + " had come and has ended; another process may come in its place");
        return true;
    }

    // ---- both

    /** Where this rank waits, for the others. */
    private static JsonObject place(Door door) {
        JsonObject at = new JsonObject();
        at.addProperty("port", door.port());
        at.addProperty("host", Host.id());
        Address local = door.local();
        if (local != null) {
            at.addProperty("unix", local.toString());
        }
        return at;
    }

    /** Takes in all ranks from {@code first} on, for these purposes; on return all that have come are still there. */
    private void accept(Door door, int first, int... purposes) throws IOException {
        while (!peers.missing(first, purposes).isEmpty() || !allWait()) {
            peers.check();
            SocketChannel channel = door.accept(Math.min(deadline, System.nanoTime() + LOOK.toNanos()));
            if (channel != null) {
                hear(channel, first);
            } else if (System.nanoTime() >= deadline) {
                throw late(peers.missing(first, purposes));
            }
        }
    }

    private UserError late(List<Integer> late) {
        return new UserError((late.size() == 1 ? "rank " : "ranks ")
                + late.stream().map(String::valueOf).collect(Collectors.joining(", "))
                + (late.size() == 1 ? " has" : " have") + " not come to rank " + me.rank + " within "
                + Mesh.shown(me.timeout) + ". Start " + (late.size() == 1 ? "it" : "them")
                + ", or see what " + (late.size() == 1 ? "it" : "they") + " printed"
                + (refused.isEmpty() ? "" : ". Sent away: " + String.join("; ", refused)));
    }

    /** Hears who has come, and sends away who is no rank. */
    private void hear(SocketChannel channel, int first) throws IOException {
        String from = Optional.ofNullable(channel.getRemoteAddress()).map(Object::toString).filter(s -> !s.isEmpty())
                .orElse("this host");
        Session session = null;
        Pipe pipe = pipe(channel, false);
        try {
            session = Session.begin(pipe, me.secret, false,
                    Math.min(deadline, System.nanoTime() + GREETING.toNanos()));
            JsonObject who = session.receive();
            greet(session, pipe, who, first);
        } catch (IOException | ClassCastException | NullPointerException | NumberFormatException
                | UnsupportedOperationException | IllegalStateException e) {
            String why = from + " ("
                    + (e instanceof EOFException
                            ? "it hung up: perhaps its secret " + (me.tls == null ? "" : "or its TLS key ")
                                    + "is another one"
                            : String.valueOf(e.getMessage()))
                    + ")";
            notes.accept("sent away " + why);
            if (refused.size() < 3) {
                refused.add(why);
            }
            if (session != null) {
                session.close();
            }
            channel.close();
        }
    }

    private void greet(Session session, Pipe pipe, JsonObject who, int first) throws IOException {
        int rank = who.get("rank").getAsInt();
        int world = who.get("world").getAsInt();
        int purpose = who.get("purpose").getAsString().equals(PURPOSES[Peers.DATA]) ? Peers.DATA : Peers.CONTROL;
        String program = who.get("program").getAsString();
        Optional<String> fault = Optional.empty();
        if (!program.equals(me.program)) {
            fault = Optional.of("rank " + rank + " runs " + program + ", but rank " + me.rank + " runs " + me.program
                    + ". Give all ranks the same version");
        } else if (world != me.world) {
            fault = Optional.of("rank " + rank + " was started for " + world + " ranks, but rank " + me.rank + " for "
                    + me.world + ". Give all the same number");
        } else if (rank < first || rank >= me.world || peers.has(rank, purpose) && !gone(rank, purpose)) {
            fault = Optional.of("rank " + rank + " has come twice. Give each process another rank, from 0 to "
                    + (me.world - 1));
        }
        JsonObject reply = new JsonObject();
        fault.ifPresent(why -> reply.addProperty("end", why));
        peers.reply(session, reply, rank, purpose, pipe);
        if (fault.isPresent()) {
            session.close();
            pipe.close();
            throw new UserError(fault.get());
        }
        if (purpose == Peers.CONTROL) {
            JsonObject at = who.getAsJsonObject("at");
            int port = at.get("port").getAsInt();
            places[rank] = at;
            peers.names[rank] = pipe.isNetwork() ? Address.of(pipe.channel, port).toString() : "this host";
            places[rank].addProperty("name", peers.names[rank]);
        }
        peers.put(rank, purpose, pipe);
        if (me.rank == 0 && purpose == Peers.CONTROL) {
            waiting[rank] = session;
            return;
        }
        session.close();
        if (purpose == Peers.CONTROL) {
            peers.listen(rank);
        }
    }

    // ---- the others

    private Collective come(Address address) {
        Door door = null;
        peers.names[0] = address.toString();
        try {
            SocketChannel first = reach(address, 0);
            door = first.getLocalAddress() instanceof InetSocketAddress at
                    ? Door.open(new Address(at.getAddress().getHostAddress(), 0, null), me.secret.length > 0)
                    : Door.ofThisHost();
            JsonObject table;
            // Longer than rank 0 waits: it says who has not come.
            try (Session control = introduce(first, 0, Peers.CONTROL, door, deadline + GREETING.toNanos())) {
                table = control.receive();
            }
            check(table);
            peers.listen(0);
            JsonArray all = table.getAsJsonArray("ranks");
            introduce(reach(all.get(0).getAsJsonObject(), address, 0), 0, Peers.DATA, door, deadline).close();
            for (int r = 1; r < me.rank; r++) {
                meet(r, all.get(r).getAsJsonObject(), address.isUnix(), door);
            }
            accept(door, me.rank + 1, Peers.CONTROL, Peers.DATA);
            return peers.mesh(me, Duration.ofMillis(table.get("silence").getAsLong()), notes);
        } catch (Session.WrongSecretException e) {
            throw failed("the secret of rank " + me.rank + " is not the one of the rank at " + address
                    + ". Give all ranks of a job the same secret", e);
        } catch (IOException e) {
            throw failed("rank " + me.rank + " cannot begin with the rank at " + address + ": " + Door.reason(e), e);
        } catch (RuntimeException e) {
            peers.end(String.valueOf(e.getMessage()));
            throw e;
        } finally {
            if (door != null) {
                door.close();
            }
        }
    }

    /** Connects with a rank before this one. */
    private void meet(int rank, JsonObject there, boolean pastNetwork, Door door) {
        peers.names[rank] = there.get("name").getAsString();
        Address network = pastNetwork ? null : Address.parse(peers.names[rank]);
        try {
            introduce(reach(there, network, rank), rank, Peers.CONTROL, door, deadline).close();
            peers.listen(rank);
            introduce(reach(there, network, rank), rank, Peers.DATA, door, deadline).close();
        } catch (IOException e) {
            throw failed("rank " + me.rank + " cannot begin with rank " + rank + " (" + peers.names[rank] + "): "
                    + Door.reason(e), e);
        }
    }

    /** A connection to a rank at {@code place}, past the network if it is on the same host. */
    private SocketChannel reach(JsonObject place, Address network, int rank) {
        if (place.has("unix") && (network == null || place.get("host").getAsString().equals(Host.id()))) {
            try {
                return Address.parse(place.get("unix").getAsString()).open();
            } catch (IOException e) {
                if (network == null) {
                    throw peers.ended(rank);
                }
                // a container of its own: the same host, but not the same files
            }
        }
        return reach(network, rank);
    }

    /** A connection to a rank, which may not be there yet. */
    private SocketChannel reach(Address address, int rank) {
        for (long millis = RETRY_SOON;; millis = Math.min(2 * millis, RETRY)) {
            try {
                return address.open();
            } catch (IOException e) {
                if (System.nanoTime() + Duration.ofMillis(millis).toNanos() > deadline) {
                    throw new UserError("rank " + rank + " is not at " + address + " (" + Door.reason(e) + "); rank "
                            + me.rank + " has tried for " + Mesh.shown(me.timeout) + ". Start rank " + rank
                            + ", or see what it printed", e);
                }
                peers.check();
                Peers.pause(Duration.ofMillis(millis));
            }
        }
    }

    private Session introduce(SocketChannel channel, int to, int purpose, Door door, long until)
            throws IOException {
        Pipe pipe = pipe(channel, true);
        peers.put(to, purpose, pipe);
        Session session = Session.begin(pipe, me.secret, true, until);
        JsonObject who = new JsonObject();
        who.addProperty("rank", me.rank);
        who.addProperty("world", me.world);
        who.addProperty("program", me.program);
        who.addProperty("purpose", PURPOSES[purpose]);
        who.add("at", place(door));
        session.send(who);
        JsonObject reply = session.receive();
        check(reply);
        if (purpose == Peers.DATA) {
            peers.hear(session, reply, to);
        }
        return session;
    }

    /** Within a host nothing needs TLS. */
    private Pipe pipe(SocketChannel channel, boolean caller) throws IOException {
        boolean encrypts = me.tls != null && channel.getRemoteAddress() instanceof InetSocketAddress;
        return new Pipe(channel, encrypts ? new Tls(me.tls, caller) : null);
    }

    private static void check(JsonObject reply) {
        if (reply.has("end")) {
            throw new UserError(reply.get("end").getAsString());
        }
    }

    /** Why this rank cannot begin: {@code message}, unless another rank knows better. */
    private UserError failed(String message, IOException e) {
        String why = peers.reason().orElse(message);
        tell(why);
        peers.end(why);
        return new UserError(why, e);
    }
}
