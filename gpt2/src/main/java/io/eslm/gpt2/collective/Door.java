// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.collective;

import io.eslm.tensor.UserError;
import java.io.IOException;
import java.net.BindException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.channels.UnsupportedAddressTypeException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Where a rank waits for others: at an address, and for those of the same host perhaps at a socket in a folder of this user. */
public final class Door implements AutoCloseable {
    /** A system property: true to use the network within a host too. */
    public static final String NETWORK_ONLY = "eslm.ranks.network";
    /** A system property: true to send numbers through the socket where ranks could share memory. */
    public static final String SOCKET_ONLY = "eslm.ranks.socket";

    /** Bits of a file's mode in Unix, and what they are for a socket. */
    private static final int FILE_TYPE = 0170000;
    private static final int SOCKET = 0140000;

    private final Selector selector;
    private final List<ServerSocketChannel> servers = new ArrayList<>();
    /** To be deleted, in this order. */
    private final List<Path> files = new ArrayList<>();
    private Address local;

    private Door() throws IOException {
        selector = Selector.open();
    }

    /**
     * Opens one at {@code address}; at port 0, at a free port.
     *
     * @param guarded whether those who come must know a secret: then a name that is only this host's own here, as Debian's 127.0.1.1, is
     *     opened for other hosts too
     * @throws UserError if it cannot be opened
     */
    public static Door open(Address address, boolean guarded) {
        Door door = null;
        try {
            door = new Door();
            if (address.isUnix()) {
                door.unix(address);
            } else {
                door.network(address, guarded);
            }
            return door;
        } catch (IOException | UnsupportedAddressTypeException e) {
            if (door != null) {
                door.close();
            }
            throw new UserError("cannot wait for ranks at " + address + ": " + reason(e)
                    + ". Is another job there, or is it the address of another host?", e);
        }
    }

    /** Opens one that is only for ranks of this host. */
    static Door ofThisHost() throws IOException {
        Door door = new Door();
        if (door.local() == null) {
            door.close();
            throw new IOException("no socket can be made in " + System.getProperty("java.io.tmpdir"));
        }
        return door;
    }

    /** Where the name leads to an address that is not this host's, as behind a router, at all addresses. */
    private void network(Address address, boolean guarded) throws IOException {
        SocketAddress at = address.resolve();
        ServerSocketChannel server = ServerSocketChannel.open();
        servers.add(server);
        try {
            server.bind(guarded && address.isLocal() && address.isNameOfHost() ? new InetSocketAddress(address.port())
                    : at);
        } catch (BindException e) {
            if (address.isLocal() || !String.valueOf(e.getMessage()).contains("assign")) {
                throw e;
            }
            server.bind(new InetSocketAddress(address.port()));
        }
        listen(server);
    }

    /** A file that a killed process has left is in nobody's way. */
    private void unix(Address address) throws IOException {
        SocketAddress at = address.resolve();
        Path path = address.path();
        if (Files.exists(path) && path.getFileSystem().supportedFileAttributeViews().contains("unix")
                && ((int) Files.getAttribute(path, "unix:mode") & FILE_TYPE) == SOCKET) {
            try (SocketChannel answered = SocketChannel.open(at)) {
                throw new BindException("a process answers there: " + answered.getRemoteAddress());
            } catch (ConnectException _) { // nobody does
                Files.deleteIfExists(path);
            }
        }
        ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        servers.add(server);
        server.bind(at);
        files.addFirst(path);
        listen(server);
        local = address;
    }

    private void listen(ServerSocketChannel server) throws IOException {
        server.configureBlocking(false);
        server.register(selector, SelectionKey.OP_ACCEPT);
    }

    /**
     * Where others of this host come in, past the network, which is faster: made on first use. Null if this system has no such
     * sockets.
     */
    Address local() {
        try {
            if (local == null && !Boolean.getBoolean(NETWORK_ONLY)) {
                Path dir = Files.createTempDirectory("eslm-rank");
                files.add(dir);
                unix(Address.parse("unix:" + dir.resolve("s")));
            }
        } catch (IOException | UserError | UnsupportedOperationException _) {
            local = null;
        }
        return local;
    }

    /** The port, of a network address. */
    public int port() {
        try {
            return servers.getFirst().getLocalAddress() instanceof InetSocketAddress at ? at.getPort() : 0;
        } catch (IOException e) {
            throw new UserError("cannot wait for ranks: " + reason(e), e);
        }
    }

    /** Who comes next; null if nobody comes before {@code deadline}, of {@link System#nanoTime}. */
    SocketChannel accept(long deadline) throws IOException {
        while (true) {
            for (ServerSocketChannel server : servers) {
                SocketChannel channel = server.accept();
                if (channel != null) {
                    Address.tune(channel);
                    return channel;
                }
            }
            long left = (deadline - System.nanoTime()) / 1_000_000;
            if (left <= 0) {
                return null;
            }
            selector.select(left);
            selector.selectedKeys().clear();
        }
    }

    static String reason(Exception e) {
        return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    }

    @Override
    public void close() {
        try {
            selector.close();
            for (ServerSocketChannel server : servers) {
                server.close();
            }
            for (Path file : files) {
                Files.deleteIfExists(file);
            }
        } catch (IOException _) {
            // the system closes them with the process
        }
    }
}
