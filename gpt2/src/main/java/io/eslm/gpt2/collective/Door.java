// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.collective;

import io.eslm.tensor.UserError;
import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;

/** Where a rank waits for others. */
public final class Door implements AutoCloseable {
    private final ServerSocketChannel server;
    private final Selector selector;
    private final Path file;

    private Door(ServerSocketChannel server, Path file) throws IOException {
        this.server = server;
        this.file = file;
        server.configureBlocking(false);
        selector = Selector.open();
        server.register(selector, SelectionKey.OP_ACCEPT);
    }

    /**
     * Opens one at {@code address}; at port 0, at a free port.
     *
     * @throws UserError if it cannot be opened
     */
    public static Door open(Address address) {
        try {
            return address.isUnix() ? unix(address) : network(address);
        } catch (IOException e) {
            throw new UserError("cannot wait for ranks at " + address + ": " + reason(e)
                    + ". Is another job there, or is it the address of another host?", e);
        }
    }

    /** Where the name leads to an address that is not this host's, as behind a router, at all addresses. */
    private static Door network(Address address) throws IOException {
        SocketAddress at = address.resolve();
        ServerSocketChannel server = ServerSocketChannel.open();
        try {
            try {
                server.bind(at);
            } catch (BindException e) {
                if (!String.valueOf(e.getMessage()).contains("assign")) {
                    throw e;
                }
                server.bind(new InetSocketAddress(address.port()));
            }
            return new Door(server, null);
        } catch (IOException e) {
            server.close();
            throw e;
        }
    }

    /** A file that a killed process has left is in nobody's way. */
    private static Door unix(Address address) throws IOException {
        SocketAddress at = address.resolve();
        if (Files.exists(address.path()) && !Files.isRegularFile(address.path()) && !Files.isDirectory(address.path())) {
            try (SocketChannel answered = SocketChannel.open(at)) {
                throw new BindException("a process answers there: " + answered.getRemoteAddress());
            } catch (BindException e) {
                throw e;
            } catch (IOException _) {
                Files.deleteIfExists(address.path());
            }
        }
        ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            server.bind(at);
            return new Door(server, address.path());
        } catch (IOException e) {
            server.close();
            throw e;
        }
    }

    /** The port, of a network address. */
    public int port() {
        try {
            return server.getLocalAddress() instanceof InetSocketAddress at ? at.getPort() : 0;
        } catch (IOException e) {
            throw new UserError("cannot wait for ranks: " + reason(e), e);
        }
    }

    /** Who comes next; null if nobody comes before {@code deadline}, of {@link System#nanoTime}. */
    SocketChannel accept(long deadline) throws IOException {
        while (true) {
            SocketChannel channel = server.accept();
            if (channel != null) {
                Address.tune(channel);
                return channel;
            }
            long left = (deadline - System.nanoTime()) / 1_000_000;
            if (left <= 0) {
                return null;
            }
            selector.select(left);
            selector.selectedKeys().clear();
        }
    }

    static String reason(IOException e) {
        return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    }

    @Override
    public void close() {
        try {
            selector.close();
            server.close();
            if (file != null) {
                Files.deleteIfExists(file);
            }
        } catch (IOException _) {
            // the system closes it with the process
        }
    }
}
