// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.collective;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.eslm.tensor.UserError;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * How ranks find each other: rank 0 waits at an address that all know. The others come there, say where they wait themselves, and
 * are told where all are. Then each goes to those before it; on the same host past the network, if it can. Each must know the job's
 * secret, run the same version of the program, and have been started for the same number of ranks.
 */
public final class Rendezvous {
    /** How long one that connects may take to show that it is a rank. */
    private static final Duration GREETING = Duration.ofSeconds(10);
    private static final Duration RETRY = Duration.ofMillis(200);
    private static final String[] PURPOSES = {"data", "control"};
    private static final int DATA = 0;
    private static final int CONTROL = 1;

    /**
     * What a rank brings.
     *
     * @param secret of the job; empty where only this host can come in
     * @param program name and version, which must be the same
     * @param timeout how long to wait for others: for the first time, and in every exchange
     */
    public record Member(int rank, int world, byte[] secret, String program, Duration timeout) {
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
    /** By rank, then purpose. */
    private final SocketChannel[][] channels;
    private final JsonObject[] places;
    private final String[] names;
    private final List<Session> waiting = new ArrayList<>();
    private final List<String> refused = new ArrayList<>();

    private Rendezvous(Member me, Consumer<String> notes) {
        this.me = me;
        this.notes = notes;
        deadline = System.nanoTime() + me.timeout.toNanos();
        channels = new SocketChannel[me.world][2];
        places = new JsonObject[me.world];
        names = new String[me.world];
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
            accept(door, 1, CONTROL);
            places[0] = place(door);
            JsonArray all = new JsonArray();
            for (JsonObject place : places) {
                all.add(place);
            }
            JsonObject table = new JsonObject();
            table.add("ranks", all);
            for (Session session : waiting) {
                session.send(table);
                session.close();
            }
            waiting.clear();
            accept(door, 1, DATA);
            return mesh();
        } catch (IOException e) {
            throw failed("rank 0 cannot begin with the others: " + Door.reason(e), e);
        } catch (RuntimeException e) {
            tell(e.getMessage());
            closeAll();
            throw e;
        }
    }

    /** Tells the ranks that wait for the table that none will come. */
    private void tell(String why) {
        JsonObject end = new JsonObject();
        end.addProperty("end", why);
        for (Session session : waiting) {
            try {
                session.send(end);
                session.close();
            } catch (IOException _) {
                // it has ended too
            }
        }
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

    /** Takes in all ranks from {@code first} on, for these purposes. */
    private void accept(Door door, int first, int... purposes) throws IOException {
        while (!missing(first, purposes).isEmpty()) {
            SocketChannel channel = door.accept(deadline);
            if (channel == null) {
                List<Integer> late = missing(first, purposes);
                throw new UserError((late.size() == 1 ? "rank " : "ranks ")
                        + late.stream().map(String::valueOf).collect(Collectors.joining(", "))
                        + (late.size() == 1 ? " has" : " have") + " not come to rank " + me.rank + " within "
                        + Mesh.shown(me.timeout) + ". Start " + (late.size() == 1 ? "it" : "them")
                        + ", or see what " + (late.size() == 1 ? "it" : "they") + " printed"
                        + (refused.isEmpty() ? "" : ". Sent away: " + String.join("; ", refused)));
            }
            String from =
                    Optional.ofNullable(channel.getRemoteAddress()).map(Object::toString).filter(s -> !s.isEmpty())
                            .orElse("this host");
            Session session = null;
            try {
                session = Session.begin(channel, me.secret, false,
                        Math.min(deadline, System.nanoTime() + GREETING.toNanos()));
                JsonObject who = session.receive();
                greet(session, channel, who, first);
            } catch (IOException | ClassCastException | NullPointerException | NumberFormatException
                    | UnsupportedOperationException | IllegalStateException e) {
                String why = from + " (" + (e instanceof EOFException ? "it hung up: perhaps its secret is another one"
                        : String.valueOf(e.getMessage())) + ")";
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
    }

    private List<Integer> missing(int first, int... purposes) {
        return IntStream.range(first, me.world)
                .filter(r -> IntStream.of(purposes).anyMatch(purpose -> channels[r][purpose] == null)).boxed().toList();
    }

    private void greet(Session session, SocketChannel channel, JsonObject who, int first) throws IOException {
        int rank = who.get("rank").getAsInt();
        int world = who.get("world").getAsInt();
        int purpose = who.get("purpose").getAsString().equals(PURPOSES[DATA]) ? DATA : CONTROL;
        String program = who.get("program").getAsString();
        Optional<String> fault = Optional.empty();
        if (!program.equals(me.program)) {
            fault = Optional.of("rank " + rank + " runs " + program + ", but rank " + me.rank + " runs " + me.program
                    + ". Give all ranks the same version");
        } else if (world != me.world) {
            fault = Optional.of("rank " + rank + " was started for " + world + " ranks, but rank " + me.rank + " for "
                    + me.world + ". Give all the same number");
        } else if (rank < first || rank >= me.world || channels[rank][purpose] != null && !gone(rank, purpose)) {
            fault = Optional.of("rank " + rank + " has come twice. Give each process another rank, from 0 to "
                    + (me.world - 1));
        }
        JsonObject reply = new JsonObject();
        fault.ifPresent(why -> reply.addProperty("end", why));
        session.send(reply);
        if (fault.isPresent()) {
            session.close();
            channel.close();
            throw new UserError(fault.get());
        }
        if (purpose == CONTROL) {
            JsonObject at = who.getAsJsonObject("at");
            int port = at.get("port").getAsInt();
            places[rank] = at;
            names[rank] = channel.getRemoteAddress() instanceof InetSocketAddress ? Address.of(channel, port).toString()
                    : "this host";
            places[rank].addProperty("name", names[rank]);
        }
        channels[rank][purpose] = channel;
        if (me.rank == 0 && purpose == CONTROL) {
            waiting.add(session);
        } else {
            session.close();
        }
    }

    /** True if the process that came as {@code rank} has ended since; another one may then come in its place. */
    private boolean gone(int rank, int purpose) throws IOException {
        SocketChannel old = channels[rank][purpose];
        try {
            if (old.isBlocking() || old.read(ByteBuffer.allocate(1)) >= 0) {
                return false;
            }
        } catch (IOException _) {
            // its host is gone
        }
        for (Session session : List.copyOf(waiting)) {
            if (session.channel() == old) {
                waiting.remove(session);
                session.close();
            }
        }
        old.close();
        channels[rank][purpose] = null;
        notes.accept("rank " + rank + " has come again");
        return true;
    }

    // ---- the others

    private Collective come(Address address) {
        Door door = null;
        try {
            SocketChannel first = reach(address, 0);
            door = first.getLocalAddress() instanceof InetSocketAddress at
                    ? Door.open(new Address(at.getAddress().getHostAddress(), 0, null), me.secret.length > 0)
                    : Door.ofThisHost();
            JsonObject table;
            // Longer than rank 0 waits: it says who has not come.
            try (Session control = introduce(first, 0, CONTROL, door, deadline + GREETING.toNanos())) {
                table = control.receive();
            }
            check(table);
            JsonArray all = table.getAsJsonArray("ranks");
            names[0] = address.toString();
            introduce(reach(all.get(0).getAsJsonObject(), address, 0), 0, DATA, door, deadline).close();
            for (int r = 1; r < me.rank; r++) {
                JsonObject there = all.get(r).getAsJsonObject();
                names[r] = there.get("name").getAsString();
                Address network = address.isUnix() ? null : Address.parse(names[r]);
                introduce(reach(there, network, r), r, CONTROL, door, deadline).close();
                introduce(reach(there, network, r), r, DATA, door, deadline).close();
            }
            accept(door, me.rank + 1, CONTROL, DATA);
            return mesh();
        } catch (Session.WrongSecretException e) {
            throw failed("the secret of rank " + me.rank + " is not the one of the rank at " + address
                    + ". Give all ranks of a job the same secret", e);
        } catch (IOException e) {
            throw failed("rank " + me.rank + " cannot begin with the rank at " + address + ": " + Door.reason(e), e);
        } catch (RuntimeException e) {
            closeAll();
            throw e;
        } finally {
            if (door != null) {
                door.close();
            }
        }
    }

    /** A connection to a rank at {@code place}, past the network if it is on the same host. */
    private SocketChannel reach(JsonObject place, Address network, int rank) {
        if (place.has("unix") && (network == null || place.get("host").getAsString().equals(Host.id()))) {
            try {
                return Address.parse(place.get("unix").getAsString()).open();
            } catch (IOException e) {
                if (network == null) {
                    throw new UserError("rank " + rank + " has ended", e);
                }
                // a container of its own: the same host, but not the same files
            }
        }
        return reach(network, rank);
    }

    /** A connection to a rank, which may not be there yet. */
    private SocketChannel reach(Address address, int rank) {
        while (true) {
            try {
                return address.open();
            } catch (IOException e) {
                if (System.nanoTime() + RETRY.toNanos() > deadline) {
                    throw new UserError("rank " + rank + " is not at " + address + " (" + Door.reason(e) + "); rank "
                            + me.rank + " has tried for " + Mesh.shown(me.timeout) + ". Start rank " + rank
                            + ", or see what it printed", e);
                }
                try {
                    Thread.sleep(RETRY);
                } catch (InterruptedException _) {
                    Thread.currentThread().interrupt();
                    throw new UserError("rank " + me.rank + " was interrupted", e);
                }
            }
        }
    }

    private Session introduce(SocketChannel channel, int to, int purpose, Door door, long until)
            throws IOException {
        channels[to][purpose] = channel;
        Session session = Session.begin(channel, me.secret, true, until);
        JsonObject who = new JsonObject();
        who.addProperty("rank", me.rank);
        who.addProperty("world", me.world);
        who.addProperty("program", me.program);
        who.addProperty("purpose", PURPOSES[purpose]);
        who.add("at", place(door));
        session.send(who);
        check(session.receive());
        return session;
    }

    private static void check(JsonObject reply) {
        if (reply.has("end")) {
            throw new UserError(reply.get("end").getAsString());
        }
    }

    private Collective mesh() throws IOException {
        Selector selector = Selector.open();
        Link[] links = new Link[me.world];
        for (int r = 0; r < me.world; r++) {
            if (r != me.rank) {
                links[r] = new Link(r, "rank " + r + " (" + names[r] + ")", channels[r][0], channels[r][1], selector,
                        Mesh.block(me.world));
            }
        }
        return new Mesh(me.rank, links, selector, me.timeout, notes);
    }

    private UserError failed(String message, IOException e) {
        tell(message);
        closeAll();
        return new UserError(message, e);
    }

    private void closeAll() {
        for (SocketChannel[] both : channels) {
            for (SocketChannel channel : both) {
                try {
                    if (channel != null) {
                        channel.close();
                    }
                } catch (IOException _) {
                    // the system closes it with the process
                }
            }
        }
    }
}
