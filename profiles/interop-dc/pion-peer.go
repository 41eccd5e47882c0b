// A data-channel peer on pion (Debian's golang-github-pion-webrtc.v3-dev): ICE, DTLS and SCTP in Go.
//
//	pion-peer PORT [WRONG,...]
//
// POST /offer/ID takes an offer (SDP) and answers with SDP; DELETE /offer/ID ends its connection. It takes the DTLS role
// that the offer leaves it, the server's where there is a choice. lite and active are right too: ICE lite, and the client's.
// WRONG on purpose: fingerprint (any certificate will do), other (the answer announces another certificate than the one
// that is shown), role (pion's own choice, which is the client's whatever the offer says).
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path"
	"regexp"
	"strings"
	"sync"

	"github.com/pion/ice/v2"
	"github.com/pion/webrtc"
)

const list = "{\"applications\": []}\n"

var (
	shown = regexp.MustCompile(`(?m)^a=fingerprint:.*\r$`)
	named = regexp.MustCompile(`(?m)^a=mid:`)
	media = regexp.MustCompile(`(?m)^m=.*\r\n`)
	held  sync.Mutex
	peers = map[string]*webrtc.PeerConnection{}
	wrong = map[string]bool{}
)

func main() {
	if len(os.Args) > 2 {
		for _, one := range strings.Split(os.Args[2], ",") {
			wrong[one] = true
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	http.HandleFunc("/offer/", serve)
	fmt.Println("ready: pion/webrtc v3")
	_ = http.Serve(listener, nil)
}

func serve(out http.ResponseWriter, in *http.Request) {
	id := path.Base(in.URL.Path)
	if in.Method == http.MethodDelete {
		held.Lock()
		peer := peers[id]
		delete(peers, id)
		held.Unlock()
		if peer != nil {
			_ = peer.Close()
		}
		out.WriteHeader(http.StatusNoContent)
		return
	}
	offer, _ := io.ReadAll(in.Body)
	answer, err := answered(id, string(offer))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		http.Error(out, err.Error(), 488)
		return
	}
	if wrong["other"] {
		answer = shown.ReplaceAllString(answer, "a=fingerprint:sha-256 "+strings.TrimSuffix(strings.Repeat("AB:", 32), ":")+"\r")
	}
	out.Header().Set("Content-Type", "application/sdp")
	_, _ = io.WriteString(out, answer)
}

func answered(id, offer string) (string, error) {
	if !named.MatchString(offer) { // IMS names no media lines, WebRTC has to
		number := -1
		offer = media.ReplaceAllStringFunc(offer, func(line string) string {
			number++
			return fmt.Sprintf("%sa=mid:%d\r\n", line, number)
		})
	}
	held.Lock()
	peer := peers[id]
	held.Unlock()
	if peer == nil {
		made, err := connection(offer)
		if err != nil {
			return "", err
		}
		peer = made
		held.Lock()
		peers[id] = peer
		held.Unlock()
	}
	if err := peer.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
		return "", err
	}
	gathered := webrtc.GatheringCompletePromise(peer)
	answer, err := peer.CreateAnswer(nil)
	if err != nil {
		return "", err
	}
	if err := peer.SetLocalDescription(answer); err != nil {
		return "", err
	}
	<-gathered
	return peer.LocalDescription().SDP, nil
}

func connection(offer string) (*webrtc.PeerConnection, error) {
	settings := webrtc.SettingEngine{}
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	settings.SetIPFilter(net.IP.IsLoopback)
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	settings.DisableCertificateFingerprintVerification(wrong["fingerprint"])
	settings.SetLite(wrong["lite"])
	role := webrtc.DTLSRoleServer
	if strings.Contains(offer, "a=setup:passive") || (wrong["active"] && !strings.Contains(offer, "a=setup:active")) {
		role = webrtc.DTLSRoleClient
	}
	if !wrong["role"] {
		if err := settings.SetAnsweringDTLSRole(role); err != nil {
			return nil, err
		}
	}
	peer, err := webrtc.NewAPI(webrtc.WithSettingEngine(settings)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, err
	}
	agreed, stream, protocol := true, uint16(0), "http"
	options := &webrtc.DataChannelInit{Negotiated: &agreed, ID: &stream, Protocol: &protocol}
	channel, err := peer.CreateDataChannel("bootstrap", options)
	if err != nil {
		return nil, err
	}
	channel.OnMessage(func(message webrtc.DataChannelMessage) { _ = channel.SendText(page(string(message.Data))) })
	return peer, nil
}

func page(request string) string {
	status, body := "405 Method Not Allowed", ""
	if strings.HasPrefix(request, "GET / ") {
		status, body = "200 OK", list
	} else if strings.HasPrefix(request, "GET ") {
		status = "404 Not Found"
	}
	return fmt.Sprintf("HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body)
}
